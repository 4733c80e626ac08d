use std::{collections::BTreeSet, env, fs, path::Path};

use sightline_pipeline::{MediaType, ResultDocument};

use super::*;
use crate::{
    Code, listed_image,
    offer::{Offer, Part},
    openapi::document,
    routes::{
        self, create_image, create_upload,
        definition::{Audience, Route},
        list_images, read_result,
    },
};

/// Any ports: the descriptions do not depend on them.
type TestPorts = (MemoryStore, MemoryPresigner, CannedRecogniser, NoIndex);

/// `openapi.json` describes everything that a deployment can have.
const ALL: Offer = Offer {
    sign_in: true,
    image_requests: true,
    events: true,
    guests: true,
};

fn table() -> Vec<Route<TestPorts>> {
    routes::table::table(ALL)
}

fn openapi() -> Value {
    serde_json::from_str(&document::<TestPorts>(ALL)).unwrap()
}

fn names(object: &Value) -> BTreeSet<&str> {
    object
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

/// The text of a golden file. `UPDATE_GOLDEN=1 cargo test -p sightline-upload-api` rewrites it from `expected` first.
fn golden(name: &str, expected: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&file, expected).unwrap();
    }
    fs::read_to_string(&file).unwrap_or_default()
}

#[test]
fn openapi_json_matches_the_code() {
    let golden = golden("openapi.json", &document::<TestPorts>(ALL));
    assert!(
        serde_json::from_str::<Value>(&golden).is_ok_and(|golden| golden == openapi()),
        "openapi.json differs from the code; if the change is intended, rewrite it with\n    UPDATE_GOLDEN=1 cargo test -p sightline-upload-api"
    );
}

#[test]
fn routes_json_matches_the_routes() {
    // The events are in the local mode alone.
    let rows: Vec<_> = table()
        .iter()
        .filter(|route| route.part != Part::Events && route.audience != Audience::Guests)
        .map(|route| {
            let public = route.audience == Audience::Public;
            // The guests' side of a handover is another operation on the same path under `/guest`.
            let guests = match route.part {
                Part::Guests => r#", "guests": "handover""#,
                _ if route.is_for_guests_too() => r#", "guests": true"#,
                _ => "",
            };
            format!(
                r#"  {{ "method": "{}", "path": "{}", "public": {public}{guests} }}"#,
                route.method, route.path
            )
        })
        .collect();
    let expected = format!("[\n{}\n]\n", rows.join(",\n"));
    assert_eq!(
        golden("routes.json", &expected),
        expected,
        "routes.json differs from the routes; if the change is intended, rewrite it with\n    UPDATE_GOLDEN=1 cargo test -p sightline-upload-api"
    );
}

#[test]
fn the_openapi_document_describes_the_routes_and_no_others() {
    let document = openapi();
    let described: BTreeSet<_> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            names(item)
                .into_iter()
                .map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    let table: BTreeSet<_> = table().iter().map(Route::name).collect();
    assert_eq!(described, table);
}

#[tokio::test]
async fn the_openapi_document_is_served() {
    let reply = get(api(&MemoryStore::new()), "/openapi.json").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header("content-type"), "application/json");
    // This service has no events and no guests, and nobody signs in.
    let offer = Offer {
        sign_in: false,
        events: false,
        guests: false,
        ..ALL
    };
    let document: Value = serde_json::from_str(&document::<TestPorts>(offer)).unwrap();
    assert_eq!(reply.json(), document);
    for path in ["/events", "/handovers", "/guest/handovers"] {
        assert!(openapi()["paths"][path].is_object(), "{path}");
        assert_eq!(document["paths"].get(path), None);
    }
    assert_eq!(reply.json()["openapi"], "3.1.0");
}

#[test]
fn callers_sign_in_only_where_images_have_owners() {
    let security = |offer: Offer| -> Vec<(String, Value)> {
        let document: Value = serde_json::from_str(&document::<TestPorts>(offer)).unwrap();
        let schemes = &document["components"]["securitySchemes"];
        let expected = [(offer.sign_in, "token"), (offer.guests, "guest")];
        for (is_there, scheme) in expected {
            assert_eq!(schemes.get(scheme).is_some(), is_there, "{scheme}");
        }
        routes::table::table::<TestPorts>(offer)
            .iter()
            .map(|route| {
                let operation = &document["paths"][&route.path][route.method.to_lowercase()];
                (route.name(), operation["security"].clone())
            })
            .collect()
    };
    for (name, security) in security(ALL) {
        let expected = match name.as_str() {
            "GET /health" | "GET /openapi.json" => json!([]),
            "POST /guest/handovers" => json!([{"guest": []}]),
            _ => json!([{"token": []}]),
        };
        assert_eq!(security, expected, "{name}");
    }
    let open = Offer {
        sign_in: false,
        guests: false,
        ..ALL
    };
    for (name, security) in security(open) {
        assert_eq!(security, json!([]), "{name}");
    }
}

#[test]
fn every_request_and_reply_has_an_example() {
    let document = openapi();
    let mut without = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let bodies = operation["responses"].as_object().unwrap().iter();
            for (name, body) in bodies.chain([(&"request".to_owned(), &operation["requestBody"])]) {
                let content = body["content"].as_object().into_iter().flatten();
                without.extend(
                    content
                        .filter(|(_, it)| it.get("example").or(it.get("examples")).is_none())
                        .map(|(media, _)| format!("{method} {path} {name} {media}")),
                );
            }
        }
    }
    assert_eq!(
        without,
        [
            "get /openapi.json 200 application/json",
            "get /thumbnails/{key} 200 image/jpeg"
        ]
    );
}

#[test]
fn uploads_and_keys_are_described_exactly() {
    let document = openapi();
    let schemas = &document["components"]["schemas"];
    assert_eq!(
        schemas["ContentType"]["enum"],
        json!(MediaType::ALL.map(MediaType::content_type))
    );
    let pattern = &schemas["Source"]["properties"]["key"]["pattern"];
    assert!(pattern.as_str().unwrap().starts_with("^(uploads|inline)/"));
    for schema in [
        "UploadTicket",
        "ListedImage",
        "Pending",
        "ImageAnswer",
        "ImageEvent",
    ] {
        assert_eq!(&schemas[schema]["properties"]["key"]["pattern"], pattern);
    }
    for (path, item) in document["paths"].as_object().unwrap() {
        for operation in item
            .as_object()
            .unwrap()
            .values()
            .filter(|_| path.contains("{key}"))
        {
            let key = &operation["parameters"][0];
            assert_eq!(
                (&key["name"], &key["schema"]["pattern"]),
                (&json!("key"), pattern)
            );
        }
    }
}

#[test]
fn every_reference_in_the_openapi_document_resolves() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document = openapi();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 10);
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn every_route_describes_its_problems() {
    let document = openapi();
    let mut described = BTreeSet::from([Code::MethodNotAllowed]);
    for route in table() {
        let operation = &document["paths"][&route.path][route.method.to_lowercase()];
        let codes: BTreeSet<_> = (route.problems)().iter().map(|it| it.code()).collect();
        described.extend(&codes);
        for code in codes.into_iter().chain([Code::MethodNotAllowed]) {
            let content = &operation["responses"][code.status().as_str()]["content"];
            let example = &content["application/problem+json"]["examples"][code.name()]["value"];
            assert_eq!(example["code"], code.name(), "{}", route.name());
        }
    }
    // These belong to no route.
    let missing: Vec<_> = Code::ALL
        .iter()
        .filter(|code| !described.contains(code))
        .collect();
    assert_eq!(missing, [&Code::NotThroughSite, &Code::NoSuchPath]);
}

#[tokio::test]
async fn described_members_match_requests_and_replies() {
    let document = openapi();
    let schemas = &document["components"]["schemas"];
    assert_eq!(
        names(&schemas["UploadRequest"]["properties"]),
        BTreeSet::from(create_upload::MEMBERS)
    );
    assert_eq!(
        schemas["UploadRequest"]["required"],
        json!(["contentType", "contentLength"])
    );
    assert_eq!(schemas["UploadRequest"]["additionalProperties"], false);

    let store = MemoryStore::new();
    let ticket = post(
        api(&store),
        r#"{"contentType":"image/png","contentLength":5}"#,
    )
    .await
    .json();
    assert_eq!(
        names(&schemas["UploadTicket"]["properties"]),
        names(&ticket)
    );
    let example = &document["paths"]["/uploads"]["post"]["responses"]["201"]["content"]["application/json"]
        ["example"];
    assert_eq!(names(example), names(&ticket));

    assert_eq!(
        names(&schemas["ImageRequest"]["properties"]),
        BTreeSet::from(create_image::MEMBERS)
    );
    assert_eq!(schemas["ImageRequest"]["required"], json!(["image"]));
    assert_eq!(schemas["ImageRequest"]["additionalProperties"], false);
    let answer = super::create_image::post(api(&store), r#"{"image":"bm8gcGljdHVyZQ=="}"#).await;
    let answer = answer.json();
    assert_eq!(names(&schemas["ImageAnswer"]["properties"]), names(&answer));
    let example = &document["paths"]["/images"]["post"]["responses"]["201"]["content"]["application/json"]
        ["example"];
    assert_eq!(names(example), names(&answer));

    let parameters = document["paths"]["/images"]["get"]["parameters"]
        .as_array()
        .unwrap();
    let parameters: Vec<_> = parameters
        .iter()
        .map(|parameter| {
            assert_eq!(
                (&parameter["in"], &parameter["required"]),
                (&json!("query"), &json!(false))
            );
            parameter["name"].as_str().unwrap()
        })
        .collect();
    assert_eq!(parameters, list_images::PARAMETERS);
    assert_eq!(
        names(&schemas["ListedImage"]["properties"]),
        &names(&listed_image::example())
            | &BTreeSet::from(["faces", "emotions", "ages", "takenAt"])
    );

    put_image(&store, "uploads/a.jpg");
    let pending = get(api(&store), "/results/uploads/a.jpg").await.json();
    assert_eq!(names(&schemas["Pending"]["properties"]), names(&pending));

    let problem = post(
        api(&store),
        r#"{"contentType":"image/png","contentLength":0}"#,
    )
    .await
    .json();
    let known = names(&schemas["Problem"]["properties"]);
    assert!(names(&problem).is_subset(&known));
    assert_eq!(
        schemas["Problem"]["required"],
        json!(["type", "title", "status", "detail", "code"])
    );
}

#[test]
fn the_example_result_is_a_complete_result_document() {
    let example = read_result::example();
    let document: ResultDocument = serde_json::from_value(example.clone()).unwrap();
    assert_eq!(serde_json::to_value(document).unwrap(), example);
    let openapi = openapi();
    let schemas = &openapi["components"]["schemas"];
    let of = |schema: &str| names(&schemas[schema]["properties"]);
    assert!(names(&example).is_subset(&of("ResultDocument")));
    assert!(names(&example["source"]).is_subset(&of("Source")));
    assert!(names(&example["image"]).is_subset(&of("ImageInfo")));
    assert!(names(&example["summary"]).is_subset(&of("Summary")));
    assert!(names(&example["timings"]).is_subset(&of("Timings")));
}
