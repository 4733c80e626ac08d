//! Images in the request, and thumbnails, with the real process.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use image::GenericImageView as _;
use serde_json::{Value, json};
use sightline_tests::{Answer, Local, TIMEOUT, http, picture, result, root, text, upload};

fn post(local: &Local, body: &Value) -> Result<Answer> {
    http(
        "POST",
        &format!("{}/images", local.ready.api),
        &[("content-type", "application/json")],
        body.to_string().as_bytes(),
    )
}

fn analysed(local: &Local, bytes: &[u8]) -> Result<Value> {
    let answer = post(local, &json!({"image": STANDARD.encode(bytes)}))?;
    ensure!(
        answer.status == 201,
        "{}: {}",
        answer.status,
        String::from_utf8_lossy(&answer.body)
    );
    answer.json()
}

/// Checks that `GET /thumbnails/…` leads to a JPEG whose longest side is 320 pixels. Returns its size.
fn thumbnail(local: &Local, key: &str) -> Result<(u32, u32)> {
    let size = rendition(local, key, "")?;
    ensure!(size.0.max(size.1) == 320, "{size:?}");
    Ok(size)
}

/// Checks that `GET /thumbnails/…` with this query leads to a JPEG. Returns its size.
fn rendition(local: &Local, key: &str, query: &str) -> Result<(u32, u32)> {
    let redirection = http(
        "GET",
        &format!("{}/thumbnails/{key}{query}", local.ready.api),
        &[],
        b"",
    )?;
    ensure!(redirection.status == 302, "{}", redirection.status);
    let address = redirection.header("location").context("no address")?;
    let file = http("GET", address, &[], b"")?;
    ensure!(file.status == 200, "{}", file.status);
    ensure!(file.header("content-type") == Some("image/jpeg"));
    let format = image::guess_format(&file.body)?;
    ensure!(format == image::ImageFormat::Jpeg, "{format:?}");
    Ok(image::load_from_memory(&file.body)?.dimensions())
}

#[test]
fn an_image_in_the_request_is_answered_stored_and_served() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let local = Local::start(&folder.path().join("data"), &[])?;
    for (path, extension) in [
        (picture("astronaut.png")?, "png"),
        (root().join("docs/pictures/astronaut.jpg"), "jpg"),
    ] {
        let bytes = fs::read(path)?;
        let (width, height) = image::load_from_memory(&bytes)?.dimensions();
        let reply = analysed(&local, &bytes)?;
        let key = text(&reply, "/key")?;
        ensure!(
            key.starts_with("inline/") && key.ends_with(&format!(".{extension}")),
            "{key}"
        );
        ensure!(text(&reply, "/result/status")? == "succeeded", "{reply}");
        let labels = reply
            .pointer("/rekognitionLabels")
            .and_then(Value::as_array)
            .context("no labels")?;
        ensure!(
            labels.iter().any(|label| label["Name"] == "Person"),
            "{reply}"
        );
        // The stored document equals the one in the reply.
        let stored = result(&format!("{}/results/{key}", local.ready.api))?;
        ensure!(Some(&stored) == reply.get("result"), "{stored}");
        let size = thumbnail(&local, key)?;
        let upright = (width > height) == (size.0 > size.1);
        ensure!(upright || width == height, "{size:?}");
    }
    Ok(())
}

#[test]
fn images_that_cannot_be_analysed_are_told_from_requests_that_cannot_be_read() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let local = Local::start(&folder.path().join("data"), &[])?;
    // The file type box that begins every HEIC file.
    let heic = [
        &24_u32.to_be_bytes(),
        b"ftypheic\0\0\0\0mif1heic".as_slice(),
    ]
    .concat();
    let reply = analysed(&local, &heic)?;
    ensure!(text(&reply, "/result/status")? == "failed", "{reply}");
    ensure!(
        text(&reply, "/result/errors/0/code")? == "UnsupportedFormat",
        "{reply}"
    );
    let advice = text(&reply, "/result/errors/0/message")?;
    ensure!(
        advice.contains("HEIC") && advice.contains("JPEG"),
        "{advice}"
    );
    let key = text(&reply, "/key")?;
    let missing = http(
        "GET",
        &format!("{}/thumbnails/{key}", local.ready.api),
        &[],
        b"",
    )?;
    ensure!(missing.status == 404, "{}", missing.status);

    let refused = post(&local, &json!({"image": "no base64!"}))?;
    ensure!(refused.status == 400, "{}", refused.status);
    ensure!(refused.header("content-type") == Some("application/problem+json"));
    let problem = refused.json()?;
    ensure!(text(&problem, "/code")? == "invalid-base64", "{problem}");
    Ok(())
}

#[test]
fn an_upload_has_an_upright_thumbnail() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let local = Local::start(&folder.path().join("data"), &[])?;
    // A wide picture whose orientation turns it upright.
    let jpeg = fs::read(picture("rocket.jpg")?)?;
    let (width, height) = image::load_from_memory(&jpeg)?.dimensions();
    ensure!(width > height, "the test needs a wide picture");
    let exif =
        b"\xFF\xE1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let mut turned = jpeg.get(..2).context("no JPEG")?.to_vec();
    turned.extend_from_slice(exif);
    turned.extend_from_slice(jpeg.get(2..).context("no JPEG")?);
    let reply = upload(&local.ready.api, "image/jpeg", &turned, json!({}))?;
    let document = result(text(&reply, "/statusUrl")?)?;
    ensure!(text(&document, "/status")? == "succeeded", "{document}");
    let key = text(&reply, "/key")?;
    let size = thumbnail(&local, key)?;
    ensure!(size.1 == 320 && size.0 < 320, "{size:?} is not upright");
    let large = rendition(&local, key, "?size=large")?;
    let longest = width.min(1440);
    ensure!(
        large.1 == longest && large.0 < longest,
        "{large:?} is not upright"
    );
    for (member, size) in [("thumbnail", size), ("preview", large)] {
        ensure!(
            document[member]["width"] == size.0 && document[member]["height"] == size.1,
            "{document}"
        );
    }
    Ok(())
}

#[test]
fn metrics_count_uploads_and_images_in_requests() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let local = Local::start(&folder.path().join("data"), &[])?;
    // A document can be read a moment before the metrics count it.
    let counted = |line: &str| -> Result<()> {
        let began = Instant::now();
        loop {
            let page = http("GET", &format!("{}/metrics", local.ready.api), &[], b"")?;
            ensure!(page.status == 200, "{}", page.status);
            let page = String::from_utf8(page.body)?;
            if page.lines().any(|said| said == line) {
                return Ok(());
            }
            ensure!(began.elapsed() < TIMEOUT, "no {line} in {page}");
            thread::sleep(Duration::from_millis(20));
        }
    };
    counted("sightline_billed_calls_total 0")?;

    let cat = fs::read(picture("chelsea.png")?)?;
    let reply = upload(&local.ready.api, "image/png", &cat, json!({}))?;
    let document = result(text(&reply, "/statusUrl")?)?;
    ensure!(document["cost"]["calls"] == 1, "{document}");
    counted("sightline_images_total{status=\"succeeded\"} 1")?;
    counted("sightline_billed_calls_total 1")?;

    let inline = analysed(&local, &fs::read(picture("rocket.jpg")?)?)?;
    ensure!(inline["result"]["cost"]["calls"] == 1, "{inline}");
    counted("sightline_images_total{status=\"succeeded\"} 2")?;
    counted("sightline_billed_calls_total 2")?;
    counted("sightline_analyses_total{analysis=\"labels\"} 2")?;
    counted("sightline_duration_seconds_count{step=\"total\"} 2")
}
