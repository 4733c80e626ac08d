use crate::support::{INPUT, OUTPUT, Server, refusal};
use aws_sdk_s3::types::{
    BucketCannedAcl, CreateBucketConfiguration, ObjectCannedAcl, ServerSideEncryption, StorageClass,
};

#[tokio::test]
async fn buckets_are_created_listed_and_deleted() {
    let server = Server::start().await;
    let names = async || {
        let listed = server.s3.list_buckets().send().await.unwrap();
        listed
            .buckets()
            .iter()
            .filter_map(|bucket| bucket.name().map(str::to_owned))
            .collect::<Vec<_>>()
    };
    assert_eq!(names().await, [INPUT, OUTPUT]);
    server
        .s3
        .create_bucket()
        .bucket("a-third")
        .send()
        .await
        .unwrap();
    assert_eq!(names().await, ["a-third", INPUT, OUTPUT]);
    server
        .s3
        .head_bucket()
        .bucket("a-third")
        .send()
        .await
        .unwrap();
    let location = server
        .s3
        .get_bucket_location()
        .bucket("a-third")
        .send()
        .await
        .unwrap();
    assert!(
        location
            .location_constraint()
            .is_none_or(|constraint| constraint.as_str().is_empty())
    );

    server
        .s3
        .put_object()
        .bucket("a-third")
        .key("a")
        .send()
        .await
        .unwrap();
    let error = server
        .s3
        .delete_bucket()
        .bucket("a-third")
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&error), (409, "BucketNotEmpty".to_owned()));
    server
        .s3
        .delete_object()
        .bucket("a-third")
        .key("a")
        .send()
        .await
        .unwrap();
    server
        .s3
        .create_multipart_upload()
        .bucket("a-third")
        .key("begun")
        .send()
        .await
        .unwrap();
    server
        .s3
        .delete_bucket()
        .bucket("a-third")
        .send()
        .await
        .unwrap();
    assert_eq!(names().await, [INPUT, OUTPUT]);

    let elsewhere = CreateBucketConfiguration::builder()
        .location_constraint("eu-west-1".into())
        .build();
    let request = server
        .s3
        .create_bucket()
        .bucket("elsewhere")
        .create_bucket_configuration(elsewhere);
    assert_eq!(
        refusal(&request.send().await.unwrap_err()).1,
        "IllegalLocationConstraintException"
    );
    let error = server
        .s3
        .create_bucket()
        .bucket("Not_A_Name")
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&error), (400, "InvalidBucketName".to_owned()));
}

#[tokio::test]
async fn unsupported_features_are_rejected_by_name() {
    let server = Server::start().await;
    let put = || server.s3.put_object().bucket(INPUT).key("a");
    let error = put()
        .acl(ObjectCannedAcl::PublicRead)
        .send()
        .await
        .unwrap_err();
    assert_eq!(
        refusal(&error),
        (400, "AccessControlListNotSupported".to_owned())
    );
    put()
        .acl(ObjectCannedAcl::BucketOwnerFullControl)
        .send()
        .await
        .unwrap();
    let error = put()
        .server_side_encryption(ServerSideEncryption::AwsKms)
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&error), (501, "NotImplemented".to_owned()));
    let error = put()
        .storage_class(StorageClass::Glacier)
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&error), (400, "InvalidStorageClass".to_owned()));
    let error = put()
        .expected_bucket_owner("123456789012")
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&error), (403, "AccessDenied".to_owned()));
    let error = put()
        .metadata("a", "x".repeat(3000))
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&error), (400, "MetadataTooLarge".to_owned()));
    let error = server
        .s3
        .put_bucket_acl()
        .bucket(INPUT)
        .acl(BucketCannedAcl::Private)
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&error), (501, "NotImplemented".to_owned()));
    let versioning = server
        .s3
        .get_bucket_versioning()
        .bucket(INPUT)
        .send()
        .await
        .unwrap();
    assert_eq!(versioning.status(), None);
    let acl = server
        .s3
        .get_object_acl()
        .bucket(INPUT)
        .key("a")
        .send()
        .await
        .unwrap();
    assert_eq!(acl.grants().len(), 1);
}
