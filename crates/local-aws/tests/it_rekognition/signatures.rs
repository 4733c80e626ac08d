//! Signatures.

use crate::world::{KEY_ID, SECRET, World, grey, inline, refusal, refused};
use aws_sdk_rekognition::{Client, config};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::BeforeTransmitInterceptorContextMut},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::{body::SdkBody, config_bag::ConfigBag};
use std::time::{Duration, SystemTime};

/// A change to a request after it was signed.
#[derive(Debug, Clone, Copy)]
enum Tampering {
    /// Removes the signature.
    Unsign,
    /// Replaces the signed body.
    OtherBody,
    /// Names another operation.
    OtherTarget,
}

impl Intercept for Tampering {
    fn name(&self) -> &'static str {
        "Tampering"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        match self {
            Self::Unsign => {
                request.headers_mut().remove("authorization");
            }
            Self::OtherBody => {
                let length = request.body().content_length().unwrap_or_default();
                let body = vec![b' '; usize::try_from(length)?];
                *request.body_mut() = SdkBody::from(body);
            }
            Self::OtherTarget => {
                request
                    .headers_mut()
                    .insert("x-amz-target", "RekognitionService.DetectText");
            }
        }
        Ok(())
    }
}

#[tokio::test]
async fn only_known_keys_are_accepted() {
    let world = World::start().await;
    let ask = |key_id, secret| {
        Client::new(&world.config(key_id, secret))
            .detect_labels()
            .image(inline(grey(100, 100)))
    };
    ask(KEY_ID, SECRET).send().await.unwrap();
    let wrong = refused(ask(KEY_ID, "another secret")).await;
    assert_eq!(
        (wrong.status, wrong.code.as_str()),
        (400, "InvalidSignatureException")
    );
    let unknown = refused(ask("somebody", SECRET)).await;
    assert_eq!(
        (unknown.status, unknown.code.as_str()),
        (400, "UnrecognizedClientException")
    );
    assert_eq!(
        unknown.message,
        "The security token included in the request is invalid."
    );

    let calls = world.into_calls().await;
    let said: Vec<_> = calls
        .iter()
        .map(|call| (call["errorCode"].as_str(), call["accessKeyId"].as_str()))
        .collect();
    assert_eq!(
        said,
        [
            (None, Some(KEY_ID)),
            (Some("InvalidSignatureException"), Some(KEY_ID)),
            (Some("UnrecognizedClientException"), Some("somebody")),
        ]
    );
}

#[tokio::test]
async fn a_request_changed_after_signing_is_rejected() {
    let world = World::start().await;
    for (tampering, code) in [
        (Tampering::Unsign, "MissingAuthenticationTokenException"),
        (Tampering::OtherBody, "InvalidSignatureException"),
        (Tampering::OtherTarget, "InvalidSignatureException"),
    ] {
        let error = world
            .rekognition()
            .detect_labels()
            .image(inline(grey(100, 100)))
            .customize()
            .interceptor(tampering)
            .send()
            .await
            .unwrap_err();
        let refusal = refusal(&error);
        assert_eq!(
            (refusal.status, refusal.code.as_str()),
            (400, code),
            "{tampering:?} {refusal:?}"
        );
    }
}

#[tokio::test]
async fn an_expired_signature_is_rejected() {
    let world = World::start().await;
    let hour = Duration::from_secs(3600);
    for (time, said) in [
        (SystemTime::now() - hour, "Signature expired: "),
        (SystemTime::now() + hour, "Signature not yet current: "),
    ] {
        let clock = aws_smithy_async::time::StaticTimeSource::new(time);
        let config = config::Builder::from(&world.config(KEY_ID, SECRET))
            // A retry would use the endpoint's clock.
            .retry_config(config::retry::RetryConfig::disabled())
            .time_source(clock)
            .build();
        let refusal = refused(
            Client::from_conf(config)
                .detect_labels()
                .image(inline(grey(100, 100))),
        )
        .await;
        assert_eq!(refusal.code, "InvalidSignatureException");
        assert!(refusal.message.starts_with(said), "{refusal:?}");
    }
}

#[tokio::test]
async fn every_region_is_accepted() {
    let world = World::start().await;
    let config = config::Builder::from(&world.config(KEY_ID, SECRET))
        .region(config::Region::new("ap-southeast-2"))
        .build();
    Client::from_conf(config)
        .detect_labels()
        .image(inline(grey(100, 100)))
        .send()
        .await
        .unwrap();
}
