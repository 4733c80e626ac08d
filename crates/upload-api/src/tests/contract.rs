use std::{collections::BTreeSet, env, fs, path::Path};

use sightline_pipeline::ResultDocument;

use super::*;
use crate::{
    Code,
    openapi::{
        DETAILS, IMAGES, LABELS, LISTING, REMOVAL, RESULTS, THUMBNAILS, UPLOADS, example_image,
        openapi,
    },
    routes::{images, listing, uploads::MEMBERS},
};

fn described() -> Value {
    serde_json::from_str(&openapi()).unwrap()
}

fn names(object: &Value) -> BTreeSet<&str> {
    object
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn the_golden_file_is_what_the_code_says() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&golden, openapi()).unwrap();
    }
    let kept = fs::read(&golden).unwrap_or_default();
    assert!(
        serde_json::from_slice::<Value>(&kept).is_ok_and(|kept| kept == described()),
        "openapi.json is not what the code says; if the change is meant, rewrite it with\n    UPDATE_GOLDEN=1 cargo test -p sightline-upload-api"
    );
}

#[tokio::test]
async fn the_description_is_served() {
    let reply = get(api(&MemoryStore::new()), "/openapi.json").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(reply.json(), described());
    assert_eq!(reply.json()["openapi"], "3.1.0");
}

#[test]
fn every_reference_leads_somewhere() {
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
    let document = described();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 10);
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn every_problem_is_described_where_it_can_happen() {
    let document = described();
    for (path, method, codes) in [
        ("/uploads", "post", UPLOADS),
        ("/images", "post", IMAGES),
        ("/images", "get", LISTING),
        ("/images/{key}", "get", DETAILS),
        ("/images/{key}", "delete", REMOVAL),
        ("/labels", "get", LABELS),
        ("/results/{key}", "get", RESULTS),
        ("/thumbnails/{key}", "get", THUMBNAILS),
        ("/health", "get", &[Code::MethodNotAllowed][..]),
        ("/openapi.json", "get", &[Code::MethodNotAllowed][..]),
    ] {
        let responses = &document["paths"][path][method]["responses"];
        for code in codes {
            let content = &responses[code.status().as_str()]["content"];
            let example = &content["application/problem+json"]["examples"][code.name()]["value"];
            assert_eq!(example["code"], code.name(), "{path}");
        }
    }
    // The one that belongs to no path of the description.
    let everywhere: Vec<_> = [
        UPLOADS, IMAGES, LISTING, DETAILS, REMOVAL, LABELS, RESULTS, THUMBNAILS,
    ]
    .concat();
    let missing: Vec<_> = Code::ALL
        .iter()
        .filter(|code| !everywhere.contains(code))
        .collect();
    assert_eq!(missing, [&Code::NoSuchPath]);
}

#[tokio::test]
async fn the_described_members_are_the_real_ones() {
    let document = described();
    let schemas = &document["components"]["schemas"];
    assert_eq!(
        names(&schemas["UploadRequest"]["properties"]),
        BTreeSet::from(MEMBERS)
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
        BTreeSet::from(images::MEMBERS)
    );
    assert_eq!(schemas["ImageRequest"]["required"], json!(["image"]));
    assert_eq!(schemas["ImageRequest"]["additionalProperties"], false);
    let answer = super::images::post(api(&store), r#"{"image":"bm8gcGljdHVyZQ=="}"#).await;
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
    assert_eq!(parameters, listing::PARAMETERS);
    assert_eq!(
        names(&schemas["ListedImage"]["properties"]),
        &names(&example_image()) | &BTreeSet::from(["faces"])
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
fn the_example_document_is_a_document_and_every_member_is_described() {
    let example = example_document();
    let document: ResultDocument = serde_json::from_value(example.clone()).unwrap();
    assert_eq!(serde_json::to_value(document).unwrap(), example);
    let described = described();
    let schemas = &described["components"]["schemas"];
    let of = |schema: &str| names(&schemas[schema]["properties"]);
    assert!(names(&example).is_subset(&of("ResultDocument")));
    assert!(names(&example["source"]).is_subset(&of("Source")));
    assert!(names(&example["image"]).is_subset(&of("ImageInfo")));
    assert!(names(&example["summary"]).is_subset(&of("Summary")));
    assert!(names(&example["timings"]).is_subset(&of("Timings")));
}
