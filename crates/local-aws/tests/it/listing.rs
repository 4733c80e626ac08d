use crate::support::{INPUT, Server, refusal};

#[tokio::test]
async fn pages_of_both_versions_are_complete() {
    let server = Server::start().await;
    let keys: Vec<String> = (0..25)
        .map(|number| format!("uploads/{number:02}.jpg"))
        .collect();
    for key in &keys {
        server.put(key, "x").await;
    }
    let mut pages = server
        .s3
        .list_objects_v2()
        .bucket(INPUT)
        .prefix("uploads/")
        .max_keys(10)
        .into_paginator()
        .send();
    let mut found = Vec::new();
    let mut sizes = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        assert_eq!(page.key_count(), i32::try_from(page.contents().len()).ok());
        sizes.push(page.contents().len());
        found.extend(
            page.contents()
                .iter()
                .map(|object| object.key().unwrap().to_owned()),
        );
    }
    assert_eq!((found, sizes), (keys.clone(), vec![10, 10, 5]));

    let mut found = Vec::new();
    let mut marker = String::new();
    loop {
        let page = server
            .s3
            .list_objects()
            .bucket(INPUT)
            .max_keys(7)
            .marker(&marker)
            .send()
            .await
            .unwrap();
        found.extend(
            page.contents()
                .iter()
                .map(|object| object.key().unwrap().to_owned()),
        );
        if !page.is_truncated().unwrap() {
            break;
        }
        marker = found.last().unwrap().clone();
    }
    assert_eq!(found, keys);
}

#[tokio::test]
async fn prefixes_are_rolled_up() {
    let server = Server::start().await;
    for key in [
        "a.jpg",
        "uploads/1.jpg",
        "uploads/2.jpg",
        "uploads/old/3.jpg",
        "z.jpg",
    ] {
        server.put(key, "x").await;
    }
    let top = server
        .s3
        .list_objects_v2()
        .bucket(INPUT)
        .delimiter("/")
        .send()
        .await
        .unwrap();
    assert_eq!(
        top.contents()
            .iter()
            .filter_map(|object| object.key())
            .collect::<Vec<_>>(),
        ["a.jpg", "z.jpg"]
    );
    let prefixes: Vec<_> = top
        .common_prefixes()
        .iter()
        .filter_map(|prefix| prefix.prefix())
        .collect();
    assert_eq!(prefixes, ["uploads/"]);
    assert_eq!(top.key_count(), Some(3));

    let first = server
        .s3
        .list_objects()
        .bucket(INPUT)
        .delimiter("/")
        .max_keys(2)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (first.is_truncated(), first.next_marker()),
        (Some(true), Some("uploads/"))
    );
    let rest = server
        .s3
        .list_objects()
        .bucket(INPUT)
        .delimiter("/")
        .marker("uploads/")
        .send()
        .await
        .unwrap();
    assert_eq!(
        rest.contents()
            .iter()
            .filter_map(|object| object.key())
            .collect::<Vec<_>>(),
        ["z.jpg"]
    );
    assert!(rest.common_prefixes().is_empty());
}

#[tokio::test]
async fn a_listing_describes_objects() {
    let server = Server::start().await;
    server.put("a", "text").await;
    let listed = server
        .s3
        .list_objects_v2()
        .bucket(INPUT)
        .fetch_owner(true)
        .send()
        .await
        .unwrap();
    let object = &listed.contents()[0];
    assert_eq!((object.key(), object.size()), (Some("a"), Some(4)));
    assert_eq!(object.e_tag(), Some("\"1cb251ec0d568de6a929b520c4aed8d1\""));
    assert_eq!(object.storage_class().unwrap().as_str(), "STANDARD");
    assert!(object.owner().is_some() && object.last_modified().is_some());
    assert_eq!(object.checksum_algorithm().len(), 1);

    let list = || server.s3.list_objects_v2().bucket(INPUT);
    assert_eq!(
        list().start_after("a").send().await.unwrap().key_count(),
        Some(0)
    );
    assert_eq!(
        list().max_keys(0).send().await.unwrap().is_truncated(),
        Some(false)
    );
    let error = list().continuation_token("?").send().await.unwrap_err();
    assert_eq!(refusal(&error), (400, "InvalidArgument".to_owned()));
    let error = list().max_keys(-1).send().await.unwrap_err();
    assert_eq!(refusal(&error), (400, "InvalidArgument".to_owned()));
    let error = server
        .s3
        .list_objects_v2()
        .bucket("no-such-bucket")
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&error), (404, "NoSuchBucket".to_owned()));
}
