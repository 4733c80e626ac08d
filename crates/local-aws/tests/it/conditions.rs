use crate::support::{INPUT, Server, refusal, status};
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use std::time::{Duration, SystemTime};

#[tokio::test]
async fn one_of_twenty_concurrent_creations_wins() {
    let server = Server::start().await;
    let attempts = (0..20).map(|number: u8| {
        let body = ByteStream::from(vec![number; 1000]);
        let put = server
            .s3
            .put_object()
            .bucket(INPUT)
            .key("uploads/once")
            .if_none_match("*")
            .body(body)
            .send();
        async move { (number, put.await) }
    });
    let results = futures::future::join_all(attempts).await;
    let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(|(_, result)| result.is_ok());
    assert_eq!(won.len(), 1);
    for (_, result) in lost {
        assert_eq!(
            refusal(&result.unwrap_err()),
            (412, "PreconditionFailed".to_owned())
        );
    }
    assert_eq!(server.get("uploads/once").await, vec![won[0].0; 1000]);
    assert_eq!(
        server.aws.queue().depth().await.unwrap().visible,
        1,
        "one object, one event"
    );
}

#[tokio::test]
async fn writes_can_require_an_etag() {
    let server = Server::start().await;
    let put = |tag: &str| {
        server
            .s3
            .put_object()
            .bucket(INPUT)
            .key("a")
            .if_match(tag)
            .body(ByteStream::from_static(b"new"))
    };
    assert_eq!(
        refusal(&put("\"x\"").send().await.unwrap_err()),
        (404, "NoSuchKey".to_owned())
    );
    server.put("a", "old").await;
    assert_eq!(
        refusal(&put("\"x\"").send().await.unwrap_err()),
        (412, "PreconditionFailed".to_owned())
    );
    assert_eq!(server.get("a").await, b"old");
    let tag = server
        .s3
        .head_object()
        .bucket(INPUT)
        .key("a")
        .send()
        .await
        .unwrap()
        .e_tag()
        .unwrap()
        .to_owned();
    put(&tag).send().await.unwrap();
    assert_eq!(server.get("a").await, b"new");

    let error = server
        .s3
        .delete_object()
        .bucket(INPUT)
        .key("a")
        .if_match(&tag)
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&error), (412, "PreconditionFailed".to_owned()));
    let error = server
        .s3
        .put_object()
        .bucket(INPUT)
        .key("b")
        .if_none_match(&tag)
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&error), (501, "NotImplemented".to_owned()));
}

#[tokio::test]
async fn reads_can_be_conditional() {
    let server = Server::start().await;
    server.put("a", "text").await;
    let head = server
        .s3
        .head_object()
        .bucket(INPUT)
        .key("a")
        .send()
        .await
        .unwrap();
    let tag = head.e_tag().unwrap().to_owned();
    let get = || server.getting("a");
    let ago = |seconds| DateTime::from(SystemTime::now() - Duration::from_secs(seconds));

    get().if_match(&tag).send().await.unwrap();
    get().if_none_match("\"other\"").send().await.unwrap();
    get().if_modified_since(ago(3600)).send().await.unwrap();

    let not_modified = get().if_none_match(&tag).send().await.unwrap_err();
    assert_eq!(status(&not_modified), 304);
    let headers = not_modified.raw_response().unwrap().headers();
    assert_eq!(headers.get("etag"), Some(tag.as_str()));
    assert!(headers.get("last-modified").is_some());

    assert_eq!(
        status(
            &get()
                .if_modified_since(*head.last_modified().unwrap())
                .send()
                .await
                .unwrap_err()
        ),
        304
    );
    assert_eq!(
        status(&get().if_match("\"other\"").send().await.unwrap_err()),
        412
    );
    assert_eq!(
        status(
            &get()
                .if_unmodified_since(ago(3600))
                .send()
                .await
                .unwrap_err()
        ),
        412
    );
    let head = server
        .s3
        .head_object()
        .bucket(INPUT)
        .key("a")
        .if_none_match(&tag)
        .send()
        .await
        .unwrap_err();
    assert_eq!(status(&head), 304);
}

#[tokio::test]
async fn copies_can_require_a_new_key() {
    let server = Server::start().await;
    server.put("from", "text").await;
    let copy = || {
        server
            .s3
            .copy_object()
            .bucket(INPUT)
            .key("to")
            .copy_source(format!("{INPUT}/from"))
            .if_none_match("*")
    };
    copy().send().await.unwrap();
    assert_eq!(
        refusal(&copy().send().await.unwrap_err()),
        (412, "PreconditionFailed".to_owned())
    );
}
