//! `sightline analyze`: one picture, asked of Rekognition directly.

mod draw;

use std::{
    io::Cursor,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use anyhow::{Context as _, anyhow};
use clap::Args;
use rekognition_model::DetectLabelsResponse;
use serde::Serialize;
use serde_json::{Value, json};
use sightline_aws::{self as aws, Clients};
use sightline_pipeline::{
    analyse::MAX_FILE_BYTES,
    document::ImageInfo,
    object_store::{Get, GetOutcome, ObjectStore as _},
    prepare::{Limits, prepare},
    recogniser::{ImageSource, Recogniser as _, RecogniserCall, RecogniserQuery},
};
use tokio::task::spawn_blocking;

use crate::{
    exit::{Fault, Outcome},
    output::{self, OutputArgs, Table, Tone},
};

/// `sightline analyze`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "\
EXAMPLES
  What does a picture show?
    sightline analyze cat.jpg
  See the boxes in the desktop's viewer, or keep them in a file:
    sightline analyze cat.jpg --open
    sightline analyze s3://my-bucket/uploads/cat.jpg --draw boxes.png
  Only the surest labels, as Rekognition's own JSON:
    sightline analyze cat.jpg --min-confidence 90 --json \\
        | jq .rekognition.detectLabels

  Formats that Rekognition does not take (WebP, AVIF, TIFF, ...) and pictures
  that are too large are converted first. Boxes are in pixels of the upright
  picture: left,top widthxheight.

  Each call to AWS is billed (about a tenth of a cent). With the variables
  that `sightline local` prints, the embedded recogniser answers, at no cost.

EXIT CODES
  0  answered
  1  the picture is not there, or cannot be analysed
  2  the command line is wrong
  3  AWS was not reached
  4  AWS refused: keys, permissions, or a bucket that is not there")]
pub(crate) struct AnalyzeArgs {
    /// A file, or s3://bucket/key
    #[arg(value_name = "FILE|s3://BUCKET/KEY")]
    picture: Place,

    /// Least confidence of a label, percent from 0 to 100
    #[arg(long, value_name = "PERCENT", default_value_t = 55.0, value_parser = crate::args::percent)]
    min_confidence: f32,

    /// Most labels
    #[arg(long, value_name = "COUNT", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1000))]
    max_labels: u32,

    /// Draw boxes and names on the upright picture and write it to this .png or .jpg file
    #[arg(long, value_name = "FILE")]
    draw: Option<PathBuf>,

    /// Open the drawn picture in the desktop's viewer; without --draw it is a temporary file
    #[arg(long)]
    open: bool,

    #[command(flatten)]
    output: OutputArgs,
}

/// Where a picture lies.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    File(PathBuf),
    Object { bucket: String, key: String },
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some(rest) = text.strip_prefix("s3://") else {
            return Ok(Self::File(text.into()));
        };
        match rest.split_once('/') {
            Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => Ok(Self::Object {
                bucket: bucket.to_owned(),
                key: key.to_owned(),
            }),
            _ => Err("it takes s3://bucket/key".to_owned()),
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(file) => file.display().fmt(f),
            Self::Object { bucket, key } => write!(f, "s3://{bucket}/{key}"),
        }
    }
}

/// What `--json` writes.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    picture: String,
    image: ImageInfo,
    /// Rekognition's own answer.
    rekognition: Value,
    /// The picture with its boxes.
    #[serde(skip_serializing_if = "Option::is_none")]
    drawn: Option<PathBuf>,
}

/// Asks, shows and draws.
///
/// # Errors
/// When the picture cannot be read or analysed, AWS cannot be reached or refuses, or the drawing cannot be written.
pub(crate) async fn run(args: AnalyzeArgs) -> anyhow::Result<Outcome> {
    // Before anything is billed.
    if let Some(file) = &args.draw {
        draw::format(file).map_err(|error| Fault::Usage(error.to_string()))?;
    }
    let clients = aws_clients().await?;
    let (bytes, object) = read(&args.picture, &clients).await?;
    let limits = Limits {
        thumbnail_px: 1,
        inline: object.is_none(),
        ..Limits::default()
    };
    let (bytes, prepared) = spawn_blocking(move || {
        let prepared = prepare(&bytes, &limits);
        (bytes, prepared)
    })
    .await?;
    let prepared = prepared.map_err(|error| anyhow!("{}: {error}", args.picture))?;
    let info = prepared.image_info();
    // What Rekognition sees is what is drawn on.
    let (seen, picture): (Arc<[u8]>, _) = match (prepared.converted, object) {
        (Some(converted), _) => {
            let bytes: Arc<[u8]> = converted.jpeg.bytes.into();
            (Arc::clone(&bytes), ImageSource::Bytes(bytes))
        }
        (None, Some(object)) => (bytes.into(), object),
        (None, None) => {
            let bytes: Arc<[u8]> = bytes.into();
            (Arc::clone(&bytes), ImageSource::Bytes(bytes))
        }
    };
    let call = RecogniserCall {
        query: RecogniserQuery::Labels {
            labels: true,
            image_properties: false,
            min_confidence: args.min_confidence,
            max_labels: args.max_labels,
        },
        image: picture,
    };
    let raw =
        clients.recogniser.recognise(&call).await.map_err(|error| {
            match Fault::of_service(&error) {
                Some(fault) => fault.into(),
                None => anyhow!("Rekognition does not answer for {}: {error}", args.picture),
            }
        })?;
    let answer: DetectLabelsResponse =
        serde_json::from_value(raw.clone()).context("Rekognition's answer cannot be read")?;
    let drawn = match (args.draw, args.open) {
        (None, false) => None,
        (file, _) => Some(file.unwrap_or_else(temporary)),
    };
    if let Some(file) = &drawn {
        let (file, answer) = (file.clone(), answer.clone());
        spawn_blocking(move || draw_to(&file, &seen, &answer)).await??;
    }
    if args.output.json {
        output::print_json(&Report {
            picture: args.picture.to_string(),
            image: info,
            rekognition: json!({ "detectLabels": raw }),
            drawn: drawn.clone(),
        })?;
    } else {
        table(&answer, (info.width, info.height)).print(args.output.color)?;
    }
    if let Some(file) = &drawn {
        if !args.output.json {
            output::tell(&format!("The boxes are drawn in {}.", file.display()));
        }
        if args.open {
            open::that_detached(file).map_err(|_| {
                anyhow!(
                    "{} is written, but no viewer opens it; open it yourself, or choose where it lies with --draw",
                    file.display()
                )
            })?;
        }
    }
    Ok(Outcome::Done)
}

/// The clients that the usual AWS variables describe.
///
/// # Errors
/// [`Fault::Usage`] when they name no region.
pub(crate) async fn aws_clients() -> anyhow::Result<Clients> {
    let sdk = aws::load().await;
    if sdk.region().is_none() {
        return Err(Fault::no_region().into());
    }
    Ok(aws::clients(&sdk))
}

/// The picture's bytes, and how Rekognition finds it where it lies in a bucket.
async fn read(place: &Place, clients: &Clients) -> anyhow::Result<(Vec<u8>, Option<ImageSource>)> {
    let too_large = |size: u64| {
        anyhow!("{place} has {size} bytes; at most {MAX_FILE_BYTES} (100 MiB) are read")
    };
    match place {
        Place::File(file) => {
            let cannot = || format!("cannot read {place}");
            let size = tokio::fs::metadata(file).await.with_context(cannot)?.len();
            if size > MAX_FILE_BYTES {
                return Err(too_large(size));
            }
            Ok((tokio::fs::read(file).await.with_context(cannot)?, None))
        }
        Place::Object { bucket, key } => {
            let failed = |error: &_| match Fault::of_service(error) {
                Some(fault) => fault.into(),
                None => anyhow!("cannot read {place}: {error}"),
            };
            let missing = || anyhow!("there is no {place}");
            let get = Get {
                bucket,
                key,
                version_id: None,
                if_match: None,
                first_bytes: None,
            };
            let head = clients.store.head(bucket, key).await;
            let Some(info) = head.map_err(|error| failed(&error))? else {
                // S3 answers HEAD without a body, so that a bucket that is not there looks as a missing key does.
                let first = Get {
                    first_bytes: Some(1),
                    ..get
                };
                return match clients.store.get(first).await {
                    Err(error) => Err(failed(&error)),
                    Ok(_) => Err(missing()),
                };
            };
            if info.size > MAX_FILE_BYTES {
                return Err(too_large(info.size));
            }
            let get = Get {
                version_id: info.version_id.as_deref(),
                ..get
            };
            match clients.store.get(get).await {
                Ok(GetOutcome::Found(_, bytes)) => {
                    let object = ImageSource::Object {
                        bucket: bucket.clone(),
                        key: key.clone(),
                        version_id: info.version_id,
                    };
                    Ok((bytes, Some(object)))
                }
                Ok(GetOutcome::Missing | GetOutcome::Changed) => Err(missing()),
                Err(error) => Err(failed(&error)),
            }
        }
    }
}

/// A file for a picture that is looked at once.
fn temporary() -> PathBuf {
    std::env::temp_dir().join(format!("sightline-{}.png", uuid::Uuid::new_v4()))
}

/// Draws the answer's boxes on the picture and writes it. Blocks.
fn draw_to(file: &Path, picture: &[u8], answer: &DetectLabelsResponse) -> anyhow::Result<()> {
    let format = draw::format(file)?;
    let mut upright = draw::upright(picture)?;
    let boxes = draw::boxes(answer, upright.dimensions());
    draw::draw(&mut upright, &boxes);
    let mut bytes = Cursor::new(Vec::new());
    upright.write_to(&mut bytes, format)?;
    std::fs::write(file, bytes.into_inner())
        .with_context(|| format!("cannot write {}", file.display()))
}

/// A row for each label, or for each of its boxes where it has some.
fn table(answer: &DetectLabelsResponse, size: (u32, u32)) -> Table {
    let mut table = Table::new(&["LABEL", "CONFIDENCE", "BOX", "BOX CONFIDENCE", "CATEGORY"]);
    for label in answer.labels.as_deref().unwrap_or_default() {
        let name = label.name.clone().unwrap_or_default();
        let categories: Vec<_> = label
            .categories
            .iter()
            .flatten()
            .filter_map(|category| category.name.as_deref())
            .collect();
        let percent = |confidence: Option<f64>| {
            confidence.map_or_else(String::new, |percent| format!("{percent:.1}"))
        };
        let mut row = |area: String, of_box: String| {
            let fields = [
                name.clone(),
                percent(label.confidence),
                area,
                of_box,
                categories.join(", "),
            ];
            table.row(fields.map(|field| (field, Tone::Plain)));
        };
        let instances = label.instances.as_deref().unwrap_or_default();
        if instances.is_empty() {
            row(String::new(), String::new());
        }
        for instance in instances {
            let area = instance.bounding_box.as_ref();
            let area = area.and_then(|ratios| draw::pixels(ratios, size.0, size.1));
            let area = area.map_or_else(String::new, |[left, top, right, bottom]| {
                format!("{left},{top} {}x{}", right - left, bottom - top)
            });
            row(area, percent(instance.confidence));
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_file_or_an_object() {
        assert_eq!("a/b.jpg".parse(), Ok(Place::File("a/b.jpg".into())));
        assert_eq!(
            "s3://bucket/uploads/a b.jpg".parse(),
            Ok(Place::Object {
                bucket: "bucket".to_owned(),
                key: "uploads/a b.jpg".to_owned()
            })
        );
        for wrong in ["s3://", "s3://bucket", "s3://bucket/", "s3:///key"] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }
}
