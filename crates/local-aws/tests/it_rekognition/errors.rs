//! Error responses.

use crate::world::{BUCKET, World, grey, inline, portrait, refusal, refused, stored};
use aws_sdk_rekognition::{
    operation::detect_labels::builders::DetectLabelsFluentBuilder,
    primitives::Blob,
    types::{DetectLabelsFeatureName, Image, S3Object},
};
use aws_smithy_types::body::SdkBody;

const NO_OBJECT: &str =
    "Unable to get object metadata from S3. Check object key, region and/or access permissions.";

/// The expected status and code, and the start of the message.
type Expected = (u16, &'static str, &'static str);

async fn check(calls: Vec<(DetectLabelsFluentBuilder, Expected)>) {
    for (call, (status, code, message)) in calls {
        let refusal = refused(call).await;
        assert_eq!(
            (refusal.status, refusal.code.as_str()),
            (status, code),
            "{refusal:?}"
        );
        assert!(refusal.message.starts_with(message), "{refusal:?}");
        assert_eq!(refusal.request_id, refusal.logref);
    }
}

#[tokio::test]
async fn missing_or_oversized_objects_are_rejected() {
    let world = World::start().await;
    world.put("uploads/there.png", grey(100, 100)).await;
    world
        .put("uploads/large.jpg", vec![0; 15 * 1024 * 1024 + 1])
        .await;
    let ask = |image| world.rekognition().detect_labels().image(image);
    let version = S3Object::builder()
        .bucket(BUCKET)
        .name("uploads/there.png")
        .version("3sL4kqtJlcpXroDTDmJ");
    check(vec![
        (
            ask(stored(BUCKET, "uploads/not there.png")),
            (400, "InvalidS3ObjectException", NO_OBJECT),
        ),
        (
            ask(stored("another-bucket", "uploads/there.png")),
            (400, "InvalidS3ObjectException", NO_OBJECT),
        ),
        (
            ask(stored(BUCKET, "uploads/../uploads/there.png")),
            (400, "InvalidS3ObjectException", NO_OBJECT),
        ),
        (
            ask(Image::builder().s3_object(version.build()).build()),
            (400, "InvalidS3ObjectException", NO_OBJECT),
        ),
        (
            ask(stored(BUCKET, "uploads/large.jpg")),
            (
                400,
                "ImageTooLargeException",
                "Image size is too large: the object has 15728641 bytes",
            ),
        ),
    ])
    .await;
}

#[tokio::test]
async fn invalid_images_are_rejected() {
    let world = World::start().await;
    let ask = |bytes| world.rekognition().detect_labels().image(inline(bytes));
    let mut broken = grey(100, 100);
    broken.truncate(broken.len() / 2);
    check(vec![
        (
            ask(b"GIF89a\x01\x00\x01\x00\x00\x00\x00;".to_vec()),
            (400, "InvalidImageFormatException", "Request has invalid image format"),
        ),
        (
            ask(b"no picture at all".to_vec()),
            (400, "InvalidImageFormatException", "Request has invalid image format"),
        ),
        (
            ask(broken),
            (400, "InvalidImageFormatException", "Request has invalid image format"),
        ),
        (
            ask(grey(79, 80)),
            (400, "InvalidParameterException", "Request has invalid parameters: the picture is 79 x 80"),
        ),
        (
            ask(grey(10_001, 80)),
            (
                400,
                "ImageTooLargeException",
                "Input image dimensions 10001 x 80 exceed maximum dimension size of 10000 pixels",
            ),
        ),
        (
            ask(vec![0; 5 * 1024 * 1024 + 1]),
            (
                400,
                "ValidationException",
                "1 validation error detected: Value at 'image.bytes' failed to satisfy constraint: Member must have \
                 length less than or equal to 5242880",
            ),
        ),
        (
            ask(vec![0; 12 * 1024 * 1024]),
            (413, "RequestEntityTooLargeException", "The request is larger than"),
        ),
    ])
    .await;
    world
        .rekognition()
        .detect_labels()
        .image(inline(grey(80, 80)))
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn invalid_parameters_are_rejected() {
    let world = World::start().await;
    let ask = || {
        world
            .rekognition()
            .detect_labels()
            .image(inline(grey(100, 100)))
    };
    let both = Image::builder()
        .bytes(Blob::new(grey(100, 100)))
        .s3_object(S3Object::builder().bucket(BUCKET).name("a").build())
        .build();
    check(vec![
        (
            ask().min_confidence(101.0),
            (
                400,
                "ValidationException",
                "1 validation error detected: Value '101.0' at 'minConfidence' failed to satisfy constraint: Member must \
                 have value less than or equal to 100",
            ),
        ),
        (
            ask().image(stored("no-bucket", "no-key")).min_confidence(101.0),
            (400, "ValidationException", "1 validation error detected: Value '101.0' at 'minConfidence'"),
        ),
        (
            ask().max_labels(-1),
            (400, "SerializationException", "The request cannot be read as DetectLabels"),
        ),
        (
            ask().features(DetectLabelsFeatureName::from("FACES")),
            (400, "ValidationException", "1 validation error detected: Value '[FACES]' at 'features'"),
        ),
        (
            ask().image(both),
            (400, "InvalidParameterException", "Request has invalid parameters: Image takes Bytes or S3Object"),
        ),
        (
            ask().image(Image::builder().build()),
            (400, "InvalidParameterException", "Request has invalid parameters: Image needs Bytes or S3Object"),
        ),
        (
            ask().image(inline(Vec::new())),
            (400, "ValidationException", "1 validation error detected: Value at 'image.bytes'"),
        ),
    ])
    .await;
}

#[tokio::test]
async fn malformed_requests_are_rejected() {
    let world = World::start().await;
    for (body, code) in [
        ("", "SerializationException"),
        ("{", "SerializationException"),
        ("[]", "SerializationException"),
        (
            r#"{"Image": {"Bytes": "not base64!"}}"#,
            "SerializationException",
        ),
        ("{}", "ValidationException"),
    ] {
        let call = world
            .rekognition()
            .detect_labels()
            .image(inline(grey(100, 100)));
        let error = call
            .customize()
            .mutate_request(move |request| {
                *request.body_mut() = SdkBody::from(body);
                request
                    .headers_mut()
                    .insert("content-length", body.len().to_string());
            })
            .send()
            .await
            .unwrap_err();
        let refusal = refusal(&error);
        assert_eq!(
            (refusal.status, refusal.code.as_str()),
            (400, code),
            "{body:?} {refusal:?}"
        );
    }
    for (header, value) in [
        ("content-type", "application/json"),
        ("x-amz-target", "RekognitionService.DetectEverything"),
        ("x-amz-target", "RekognitionService."),
    ] {
        let call = world
            .rekognition()
            .detect_labels()
            .image(inline(grey(100, 100)));
        let error = call
            .customize()
            .mutate_request(move |request| {
                request.headers_mut().insert(header, value);
            })
            .send()
            .await
            .unwrap_err();
        assert_eq!(
            refusal(&error).code,
            "UnknownOperationException",
            "{header}: {value}"
        );
    }
}

/// Calls operations without a recogniser and checks that the error names them.
macro_rules! named {
    ($client:expr, $image:expr, $($operation:ident => $name:literal),+ $(,)?) => {
        $({
            let error = $client.$operation().image($image.clone()).send().await.unwrap_err();
            let refusal = refusal(&error);
            assert_eq!((refusal.status, refusal.code.as_str()), (400, "UnknownOperationException"));
            let start = concat!($name, " has no recogniser in ");
            assert!(refusal.message.starts_with(start), "{}", refusal.message);
            assert!(refusal.message.ends_with("run it against AWS."), "{}", refusal.message);
        })+
    };
}

#[tokio::test]
async fn an_operation_without_a_recogniser_is_rejected_by_name() {
    let world = World::start().await;
    let client = world.rekognition();
    let image = inline(portrait());
    named!(
        client,
        image,
        detect_faces => "DetectFaces",
        detect_moderation_labels => "DetectModerationLabels",
        detect_protective_equipment => "DetectProtectiveEquipment",
        recognize_celebrities => "RecognizeCelebrities",
    );
    let error = client.detect_text().image(image).send().await.unwrap_err();
    let text = refusal(&error);
    assert_eq!(
        (text.status, text.code.as_str()),
        (400, "UnknownOperationException")
    );
    assert!(
        text.message
            .starts_with("DetectText has no recogniser in this local mode")
            && text.message.contains("tesseract-ocr"),
        "{}",
        text.message
    );
    let error = client.list_collections().send().await.unwrap_err();
    let refusal = refusal(&error);
    assert_eq!(refusal.code, "UnknownOperationException");
    assert!(
        refusal
            .message
            .starts_with("ListCollections is not answered in the local mode")
    );
}
