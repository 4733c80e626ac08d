//! `sightline analyze`: asks Rekognition about one picture.

mod draw;
mod source;

use std::{
    io::Cursor,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, anyhow};
use clap::Args;
use rekognition_model::DetectLabelsResponse;
use serde::Serialize;
use serde_json::{Value, json};
use sightline_pipeline::{
    document::ImageInfo,
    prepare::{Limits, prepare},
    recogniser::{ImageSource, Recogniser as _, RecogniserCall, RecogniserQuery},
};
use tokio::task::spawn_blocking;

use self::source::{Picture, PictureLocation};
use crate::{
    aws,
    exit::{CliError, Outcome},
    output::{self, OutputArgs, Table, Tone},
    value_parsers::percent,
};

/// `sightline analyze`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "\
EXAMPLES
  What is in a picture?
    sightline analyze cat.jpg
  View the boxes, or write them to a file:
    sightline analyze cat.jpg --open
    sightline analyze s3://my-bucket/uploads/cat.jpg --draw boxes.png
  Only labels with a high confidence, as Rekognition's own JSON:
    sightline analyze cat.jpg --min-confidence 90 --json \\
        | jq .rekognition.detectLabels

  Pictures that Rekognition cannot read (WebP, AVIF, TIFF, ... and large ones)
  are converted first. Boxes are in pixels of the upright picture:
  left,top widthxheight.

  AWS bills each call (about a tenth of a cent). With the lines that
  `sightline local` prints, the embedded recogniser answers at no cost.

EXIT CODES
  0  success
  1  the picture does not exist or cannot be analysed
  2  invalid command line
  3  AWS could not be reached
  4  AWS rejected the request: keys, permissions, or a bucket that does not
     exist")]
pub(crate) struct AnalyzeArgs {
    /// A file, or s3://bucket/key
    #[arg(value_name = "FILE|s3://BUCKET/KEY")]
    picture: PictureLocation,

    /// Minimum confidence of a label, percent from 0 to 100
    #[arg(long, value_name = "PERCENT", default_value_t = 55.0, value_parser = percent)]
    min_confidence: f32,

    /// Maximum number of labels
    #[arg(long, value_name = "COUNT", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1000))]
    max_labels: u32,

    /// Draw boxes and names on the upright picture and write it to this .png or .jpg file
    #[arg(long, value_name = "FILE")]
    draw: Option<PathBuf>,

    /// Open the drawn picture in the desktop's viewer; without --draw, it is a temporary file
    #[arg(long)]
    open: bool,

    #[command(flatten)]
    output: OutputArgs,
}

/// The JSON output.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    picture: String,
    image: ImageInfo,
    /// Rekognition's own response.
    rekognition: Value,
    /// The file with the drawn boxes.
    #[serde(skip_serializing_if = "Option::is_none")]
    drawn: Option<PathBuf>,
}

/// A picture that Rekognition can read.
struct PreparedPicture {
    info: ImageInfo,
    /// The bytes that Rekognition sees, on which the boxes are drawn.
    bytes: Arc<[u8]>,
    /// How Rekognition gets them.
    source: ImageSource,
}

/// Analyses the picture, prints its labels and draws their boxes.
///
/// # Errors
/// When the picture cannot be read or analysed, AWS cannot be reached or rejects the request, or the drawing cannot be
/// written.
pub(crate) async fn run(args: AnalyzeArgs) -> anyhow::Result<Outcome> {
    // Before anything is billed.
    if let Some(file) = &args.draw {
        draw::format(file).map_err(|error| CliError::Usage(error.to_string()))?;
    }
    let (sdk, _) = aws::load().await?;
    let clients = sightline_aws::clients(&sdk);
    let picture = args.picture.read(&clients.store).await?;
    let PreparedPicture {
        info,
        bytes,
        source,
    } = prepare_picture(picture)
        .await
        .with_context(|| format!("cannot analyse {}", args.picture))?;
    let call = RecogniserCall {
        query: RecogniserQuery::Labels {
            labels: true,
            image_properties: false,
            min_confidence: args.min_confidence,
            max_labels: args.max_labels,
        },
        image: source,
    };
    let raw = clients.recogniser.recognise(&call).await.map_err(|error| {
        aws::command_error(
            format!("Rekognition cannot analyse {}", args.picture),
            &error,
        )
    })?;
    let response: DetectLabelsResponse =
        serde_json::from_value(raw.clone()).context("cannot read Rekognition's response")?;
    let drawn = match (args.draw, args.open) {
        (None, false) => None,
        (file, _) => Some(file.unwrap_or_else(temporary_file)),
    };
    if let Some(file) = &drawn {
        let (file, response) = (file.clone(), response.clone());
        spawn_blocking(move || write_drawing(&file, &bytes, &response)).await??;
    }
    if args.output.json {
        output::print_json(&Report {
            picture: args.picture.to_string(),
            image: info,
            rekognition: json!({ "detectLabels": raw }),
            drawn: drawn.clone(),
        })?;
    } else {
        table(&response, (info.width, info.height)).print(args.output.color)?;
    }
    if let Some(file) = &drawn {
        if !args.output.json {
            output::print_message(&format!(
                "Wrote the picture with its boxes to {}.",
                file.display()
            ));
        }
        if args.open {
            open::that_detached(file).map_err(|_| {
                anyhow!(
                    "no viewer could open {}; open it yourself, or choose its path with --draw",
                    file.display()
                )
            })?;
        }
    }
    Ok(Outcome::Done)
}

/// Converts the picture if Rekognition cannot read it as it is.
async fn prepare_picture(picture: Picture) -> anyhow::Result<PreparedPicture> {
    let Picture { bytes, object } = picture;
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
    let prepared = prepared?;
    let info = prepared.image_info();
    let (bytes, source): (Arc<[u8]>, _) = match (prepared.converted, object) {
        (None, Some(object)) => (bytes.into(), object),
        (converted, _) => {
            let bytes: Arc<[u8]> = converted
                .map_or(bytes, |converted| converted.jpeg.bytes)
                .into();
            (Arc::clone(&bytes), ImageSource::Bytes(bytes))
        }
    };
    Ok(PreparedPicture {
        info,
        bytes,
        source,
    })
}

fn temporary_file() -> PathBuf {
    std::env::temp_dir().join(format!("sightline-{}.png", uuid::Uuid::new_v4()))
}

/// Draws the boxes on the picture and writes it. Blocks.
fn write_drawing(
    file: &Path,
    picture: &[u8],
    response: &DetectLabelsResponse,
) -> anyhow::Result<()> {
    let format = draw::format(file)?;
    let mut upright = draw::decode_upright(picture)?;
    let boxes = draw::boxes(response, upright.dimensions());
    draw::draw(&mut upright, &boxes);
    let mut bytes = Cursor::new(Vec::new());
    upright.write_to(&mut bytes, format)?;
    std::fs::write(file, bytes.into_inner())
        .with_context(|| format!("cannot write {}", file.display()))
}

/// A table with a row for each box of a label, or for the label itself if it has no boxes.
fn table(response: &DetectLabelsResponse, size: (u32, u32)) -> Table {
    let mut table = Table::new(&["LABEL", "CONFIDENCE", "BOX", "BOX CONFIDENCE", "CATEGORY"]);
    for label in response.labels.as_deref().unwrap_or_default() {
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
        let mut row = |area: String, box_confidence: String| {
            let fields = [
                name.clone(),
                percent(label.confidence),
                area,
                box_confidence,
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
