use super::*;
use crate::routes::create_upload::problems;

/// Bodies of `POST /uploads`, each with the status, code and member of its problem.
const MALFORMED: &[(&str, u16, &str, &str)] = &[
    ("", 400, "invalid-json", ""),
    (" \n", 400, "invalid-json", ""),
    ("{", 400, "invalid-json", ""),
    ("contentType=image/png", 400, "invalid-json", ""),
    ("{'contentType': 'image/png'}", 400, "invalid-json", ""),
    (
        r#"{"contentType":"image/png","contentLength":5}x"#,
        400,
        "invalid-json",
        "",
    ),
    (
        r#"{"contentType":"image/png","contentLength":05}"#,
        400,
        "invalid-json",
        "",
    ),
    (
        r#"{"contentType":"image/png","contentLength":NaN}"#,
        400,
        "invalid-json",
        "",
    ),
    (
        r#"{"contentType":"image/png","contentLength":1e999}"#,
        400,
        "invalid-json",
        "",
    ),
    (
        r#"{"contentType":"\ud800","contentLength":5}"#,
        400,
        "invalid-json",
        "",
    ),
    ("null", 400, "not-an-object", ""),
    ("5", 400, "not-an-object", ""),
    (r#""image/png""#, 400, "not-an-object", ""),
    (
        r#"[{"contentType":"image/png","contentLength":5}]"#,
        400,
        "not-an-object",
        "",
    ),
    ("{}", 400, "missing-member", "contentType"),
    (
        r#"{"contentLength":5}"#,
        400,
        "missing-member",
        "contentType",
    ),
    (
        r#"{"contentType":null,"contentLength":5}"#,
        400,
        "missing-member",
        "contentType",
    ),
    (
        r#"{"contentType":"image/png"}"#,
        400,
        "missing-member",
        "contentLength",
    ),
    (
        r#"{"contentType":"image/png","contentLength":null}"#,
        400,
        "missing-member",
        "contentLength",
    ),
    (
        r#"{"contentType":5,"contentLength":5}"#,
        400,
        "wrong-type",
        "contentType",
    ),
    (
        r#"{"contentType":["image/png"],"contentLength":5}"#,
        400,
        "wrong-type",
        "contentType",
    ),
    (
        r#"{"contentType":"","contentLength":5}"#,
        415,
        "unsupported-content-type",
        "contentType",
    ),
    (
        r#"{"contentType":"text/html","contentLength":5}"#,
        415,
        "unsupported-content-type",
        "contentType",
    ),
    (
        r#"{"contentType":"image/svg+xml","contentLength":5}"#,
        415,
        "unsupported-content-type",
        "contentType",
    ),
    (
        r#"{"contentType":"image/png; charset=utf-8","contentLength":5}"#,
        415,
        "unsupported-content-type",
        "contentType",
    ),
    (
        r#"{"contentType":"image/png\r\nx-amz-acl: public-read","contentLength":5}"#,
        415,
        "unsupported-content-type",
        "contentType",
    ),
    (
        r#"{"contentType":"image/png","contentLength":0}"#,
        400,
        "invalid-content-length",
        "contentLength",
    ),
    (
        r#"{"contentType":"image/png","contentLength":-0.0}"#,
        400,
        "invalid-content-length",
        "contentLength",
    ),
    (
        r#"{"contentType":"image/png","contentLength":-1}"#,
        400,
        "invalid-content-length",
        "contentLength",
    ),
    (
        r#"{"contentType":"image/png","contentLength":1.5}"#,
        400,
        "invalid-content-length",
        "contentLength",
    ),
    (
        r#"{"contentType":"image/png","contentLength":1e-9}"#,
        400,
        "invalid-content-length",
        "contentLength",
    ),
    (
        r#"{"contentType":"image/png","contentLength":"5"}"#,
        400,
        "wrong-type",
        "contentLength",
    ),
    (
        r#"{"contentType":"image/png","contentLength":true}"#,
        400,
        "wrong-type",
        "contentLength",
    ),
    (
        r#"{"contentType":"image/png","contentLength":15728641}"#,
        413,
        "image-too-large",
        "contentLength",
    ),
    (
        r#"{"contentType":"image/png","contentLength":18446744073709551616}"#,
        413,
        "image-too-large",
        "contentLength",
    ),
    (
        r#"{"contentType":"image/png","contentLength":1e300}"#,
        413,
        "image-too-large",
        "contentLength",
    ),
    (
        r#"{"contentType":"image/png","contentLength":5,"filename":5}"#,
        400,
        "wrong-type",
        "filename",
    ),
    (
        r#"{"contentType":"image/png","contentLength":5,"filename":{"name":"a"}}"#,
        400,
        "wrong-type",
        "filename",
    ),
    (
        r#"{"contentType":"image/png","contentLength":5,"sha256":5}"#,
        400,
        "wrong-type",
        "sha256",
    ),
    (
        r#"{"contentType":"image/png","contentLength":5,"sha256":""}"#,
        400,
        "invalid-sha256",
        "sha256",
    ),
    (
        r#"{"contentType":"image/png","contentLength":5,"sha256":"9f86d081"}"#,
        400,
        "invalid-sha256",
        "sha256",
    ),
    (
        r#"{"contentType":"image/png","contentLength":5,"sha256":"n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="}"#,
        400,
        "invalid-sha256",
        "sha256",
    ),
    (
        r#"{"contentType":"image/png","contentLength":5,"sha256":"zf86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}"#,
        400,
        "invalid-sha256",
        "sha256",
    ),
    (
        r#"{"contentType":"image/png","contentLength":5,"analyses":"labels"}"#,
        400,
        "wrong-type",
        "analyses",
    ),
    (
        r#"{"contentType":"image/png","contentLength":5,"analyses":{}}"#,
        400,
        "wrong-type",
        "analyses",
    ),
    (
        r#"{"contentType":"image/png","contentLength":5,"analyses":["labels",null]}"#,
        400,
        "wrong-type",
        "analyses",
    ),
    (
        r#"{"contentType":"image/png","contentLength":5,"analyses":[]}"#,
        400,
        "no-analyses",
        "analyses",
    ),
    (
        r#"{"contentType":"image/png","contentLength":5,"analyses":["cats"]}"#,
        400,
        "unknown-analysis",
        "analyses",
    ),
    (
        r#"{"contentType":"image/png","contentLength":5,"analyses":["labels,faces"]}"#,
        400,
        "unknown-analysis",
        "analyses",
    ),
    (
        r#"{"contentType":"image/png","contentLength":5,"analyses":["faces"]}"#,
        400,
        "analysis-not-enabled",
        "analyses",
    ),
    (
        r#"{"contentType":"image/png","contentLength":5,"bucket":"mine"}"#,
        400,
        "unknown-member",
        "bucket",
    ),
    (
        r#"{"contentType":"image/png","contentLength":5,"key":"../x"}"#,
        400,
        "unknown-member",
        "key",
    ),
    (
        r#"{"ContentType":"image/png","contentLength":5}"#,
        400,
        "unknown-member",
        "ContentType",
    ),
];

#[tokio::test]
async fn each_malformed_body_gets_its_problem() {
    let store = MemoryStore::new();
    for (body, status, code, member) in MALFORMED {
        let reply = post(api(&store), *body).await;
        assert_eq!(reply.status, *status, "{body}");
        assert_eq!(reply.code(), *code, "{body}");
        assert_eq!(
            reply.json()["member"].as_str().unwrap_or_default(),
            *member,
            "{body}"
        );
        assert!(
            problems()
                .iter()
                .any(|problem| problem.code().name() == *code)
        );
    }
    assert!(store.calls().is_empty());
}

#[tokio::test]
async fn a_body_that_is_not_utf_8_is_rejected() {
    for body in [&b"{\"contentType\":\"\xFF\"}"[..], b"\xFF\xFE{\0}\0", b"\0"] {
        let reply = post(api(&MemoryStore::new()), body.to_vec()).await;
        assert_eq!(
            (reply.status.as_u16(), reply.code().as_str()),
            (400, "invalid-json")
        );
    }
}

#[tokio::test]
async fn deeply_nested_json_is_rejected() {
    let reply = post(api(&MemoryStore::new()), "[".repeat(10_000)).await;
    assert_eq!(reply.code(), "invalid-json");
}

#[tokio::test]
async fn a_body_may_have_16_kib_and_no_more() {
    let api = api(&MemoryStore::new());
    let body = r#"{"contentType":"image/png","contentLength":5}"#;
    let exact = format!("{body:<16384}");
    assert_eq!(
        post(api.clone(), exact.clone()).await.status,
        StatusCode::CREATED
    );
    let more = format!("{exact} ");
    let announced = Request::post("/uploads")
        .header("content-length", "99999999999")
        .body(Body::empty())
        .unwrap();
    for reply in [
        post(api.clone(), more.clone()).await,
        post(api.clone(), streamed(more)).await,
        send(api, announced).await,
    ] {
        assert_eq!(
            (reply.status.as_u16(), reply.code().as_str()),
            (413, "body-too-large")
        );
        assert_eq!(reply.json()["limit"], 16_384);
    }
}

#[tokio::test]
async fn a_body_that_ends_early_is_rejected() {
    let broken = Body::from_stream(futures::stream::iter([
        Ok("{\"contentType\":"),
        Err(std::io::Error::other("gone")),
    ]));
    let reply = post(api(&MemoryStore::new()), broken).await;
    assert_eq!(
        (reply.status.as_u16(), reply.code().as_str()),
        (400, "invalid-json")
    );
}

/// A body without a known length.
fn streamed(text: String) -> Body {
    use http_body_util::BodyExt as _;
    Body::new(Body::from(text).map_frame(|frame| frame))
}

/// splitmix64: the same bodies in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    fn value(&mut self) -> Value {
        let values = [
            json!(null),
            json!(true),
            json!(0),
            json!(-1),
            json!(5),
            json!(1.5),
            json!(1e300),
            json!(u64::MAX),
            json!(""),
            json!("image/png"),
            json!("image/jpeg"),
            json!("labels"),
            json!("\u{0}../\u{202e}é"),
            json!("a".repeat(64)),
            json!([]),
            json!(["labels"]),
            json!([["labels"]]),
            json!([5]),
            json!({}),
            json!({"a": [null]}),
        ];
        self.pick(&values).clone()
    }

    fn body(&mut self) -> Vec<u8> {
        let members = [
            "contentType",
            "contentLength",
            "filename",
            "sha256",
            "analyses",
            "",
            "bucket",
        ];
        let mut body: Vec<u8> = if self.below(4) == 0 {
            (0..self.below(200))
                .map(|_| self.next().to_le_bytes()[0])
                .collect()
        } else {
            let mut object = serde_json::Map::new();
            if self.below(2) == 0 {
                object.insert("contentType".to_owned(), json!("image/png"));
                object.insert("contentLength".to_owned(), json!(self.next() % 20_000_000));
            }
            for _ in 0..self.below(4) {
                object.insert((*self.pick(&members[..])).to_owned(), self.value());
            }
            Value::Object(object).to_string().into_bytes()
        };
        if self.below(3) == 0 && !body.is_empty() {
            let at = self.below(body.len());
            body[at] = self.next().to_le_bytes()[0];
        }
        body
    }
}

#[tokio::test]
async fn random_bodies_never_cause_a_server_error() {
    let api = api(&MemoryStore::new());
    let mut random = Random(7);
    let mut created = 0;
    for _ in 0..5000 {
        let body = random.body();
        let reply = post(api.clone(), body.clone()).await;
        match reply.status.as_u16() {
            201 => created += 1,
            400 | 413 | 415 => assert!(!reply.code().is_empty()),
            other => panic!("{other} for {:?}", String::from_utf8_lossy(&body)),
        }
    }
    assert!(created > 0, "some bodies are well formed");
}

#[tokio::test]
async fn random_paths_never_cause_a_server_error() {
    let api = api(&MemoryStore::new());
    let mut random = Random(8);
    let parts = [
        "/results/",
        "uploads/",
        "/",
        "%2F",
        "..",
        "%00",
        "%FF",
        "%",
        "é",
        "a.jpg",
        "?x=1",
        "+",
        ";",
        "//",
    ];
    for _ in 0..3000 {
        let path: String = (0..random.below(8))
            .map(|_| *random.pick(&parts[..]))
            .collect();
        let Ok(uri) = format!("/{path}").parse::<axum::http::Uri>() else {
            continue;
        };
        let request = Request::get(uri).body(Body::empty()).unwrap();
        let reply = send(api.clone(), request).await;
        assert!(
            matches!(reply.status.as_u16(), 400 | 404),
            "{} for {path}",
            reply.status
        );
        assert!(!reply.code().is_empty());
    }
}
