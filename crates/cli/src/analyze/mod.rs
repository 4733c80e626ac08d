//! `sightline analyze`: asks Rekognition about one picture.

pub(crate) mod draw;
pub(crate) mod findings;
mod source;

use std::{
    io::Cursor,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, anyhow};
use clap::Args;
use futures::future::try_join_all;
use serde::Serialize;
use serde_json::{Map, Value};
use sightline_pipeline::{
    Analyses, Analysis, ServiceError,
    document::ImageInfo,
    prepare::{Limits, prepare},
    recogniser::{ImageSource, Recogniser as _, RecogniserCall, RecogniserQuery},
};
use tokio::task::spawn_blocking;

use self::{
    findings::Finding,
    source::{Picture, PictureLocation},
};
use crate::{
    aws,
    exit::{CliError, Outcome},
    output::{self, OutputArgs},
    table::{Table, Tone},
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
  Faces and text too, each with its own outline:
    sightline analyze party.jpg --analyses labels,faces,text --open
  Only labels with a high confidence, as Rekognition's own JSON:
    sightline analyze cat.jpg --min-confidence 90 --json \\
        | jq .rekognition.detectLabels

  Pictures that Rekognition cannot read (WebP, AVIF, TIFF, ... and large ones)
  are converted first. Boxes are in pixels of the upright picture:
  left,top widthxheight. In the drawing, labels have solid boxes, faces
  dashed ones, and lines of text thin outlines that follow their slant.

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

    /// What to ask, separated by commas: labels, faces, text, moderation; one call for each
    #[arg(long, value_name = "LIST", default_value = "labels", value_parser = analyses)]
    analyses: Analyses,

    /// Minimum confidence of a label or moderation label, percent from 0 to 100
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
    /// Rekognition's own responses, by operation.
    rekognition: Map<String, Value>,
    /// The file with the drawn boxes.
    #[serde(skip_serializing_if = "Option::is_none")]
    drawn: Option<PathBuf>,
}

/// Draws the findings on a picture of any supported format, and writes it. Blocks.
///
/// # Errors
/// When the picture cannot be decoded or the file cannot be written.
pub(crate) fn draw_on(file: &Path, picture: Vec<u8>, findings: &[Finding]) -> anyhow::Result<()> {
    let limits = Limits {
        thumbnail_px: 1,
        ..Limits::default()
    };
    let prepared = prepare(&picture, &limits)?;
    let bytes = prepared
        .converted
        .map_or(picture, |converted| converted.jpeg.bytes);
    write_drawing(file, &bytes, findings)
}

/// A picture that Rekognition can read.
struct PreparedPicture {
    info: ImageInfo,
    /// The bytes that Rekognition sees, on which the boxes are drawn.
    bytes: Arc<[u8]>,
    /// How Rekognition gets them.
    source: ImageSource,
}

/// Analyses the picture, prints what was found and draws where it is.
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
    let calls = args.analyses.iter().filter_map(|analysis| {
        Some(RecogniserCall {
            query: query(analysis, &args)?,
            image: source.clone(),
            owner: None,
        })
    });
    let recogniser = &clients.recogniser;
    let answers = try_join_all(calls.map(async |call: RecogniserCall| {
        let answer = recogniser.recognise(&call).await?;
        Ok::<_, ServiceError>((call.query.operation().document_key().to_owned(), answer))
    }))
    .await
    .map_err(|error| {
        aws::command_error(
            format!("Rekognition cannot analyse {}", args.picture),
            &error,
        )
    })?;
    let rekognition: Map<String, Value> = answers.into_iter().collect();
    let findings = findings::findings(&rekognition)?;
    let drawn = match (args.draw, args.open) {
        (None, false) => None,
        (file, _) => Some(file.unwrap_or_else(temporary_file)),
    };
    if let Some(file) = &drawn {
        let (file, findings) = (file.clone(), findings.clone());
        spawn_blocking(move || write_drawing(&file, &bytes, &findings)).await??;
    }
    if args.output.json {
        output::print_json(&Report {
            picture: args.picture.to_string(),
            image: info,
            rekognition,
            drawn: drawn.clone(),
        })?;
    } else {
        let size = (info.width, info.height);
        let table = if args.analyses.to_string() == Analysis::Labels.name() {
            label_table(&findings, size)
        } else {
            table(&findings, size)
        };
        table.print(args.output.color)?;
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

/// The analyses that this command can ask for.
const ANALYSES: [Analysis; 4] = [
    Analysis::Labels,
    Analysis::Faces,
    Analysis::Text,
    Analysis::Moderation,
];

fn analyses(list: &str) -> Result<Analyses, String> {
    let analyses: Analyses = list.parse().map_err(|_| expected())?;
    if analyses.iter().all(|analysis| ANALYSES.contains(&analysis)) {
        Ok(analyses)
    } else {
        Err(expected())
    }
}

fn expected() -> String {
    format!(
        "expected one or more of {}, separated by commas",
        ANALYSES.map(Analysis::name).join(", ")
    )
}

/// The query of one of [`ANALYSES`].
fn query(analysis: Analysis, args: &AnalyzeArgs) -> Option<RecogniserQuery> {
    let min_confidence = args.min_confidence;
    match analysis {
        Analysis::Labels => Some(RecogniserQuery::Labels {
            labels: true,
            image_properties: false,
            min_confidence,
            max_labels: args.max_labels,
        }),
        Analysis::Faces => Some(RecogniserQuery::Faces),
        Analysis::Text => Some(RecogniserQuery::Text),
        Analysis::Moderation => Some(RecogniserQuery::Moderation { min_confidence }),
        _ => None,
    }
}

/// Converts the picture if Rekognition cannot read it as it is.
async fn prepare_picture(picture: Picture) -> anyhow::Result<PreparedPicture> {
    let Picture { bytes, object } = picture;
    let limits = Limits {
        thumbnail_px: 0,
        preview_px: 0,
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

/// Draws the findings on the picture and writes it. Blocks.
fn write_drawing(file: &Path, picture: &[u8], findings: &[Finding]) -> anyhow::Result<()> {
    let format = draw::format(file)?;
    let mut upright = draw::decode_upright(picture)?;
    let marks = draw::marks(findings, upright.dimensions());
    draw::draw(&mut upright, &marks);
    let mut bytes = Cursor::new(Vec::new());
    upright.write_to(&mut bytes, format)?;
    std::fs::write(file, bytes.into_inner())
        .with_context(|| format!("cannot write {}", file.display()))
}

/// A table of labels, with a row for each box of a label, or for the label itself if it has no boxes.
fn label_table(findings: &[Finding], size: (u32, u32)) -> Table {
    let mut table = Table::new(&["LABEL", "CONFIDENCE", "BOX", "BOX CONFIDENCE", "CATEGORY"]);
    for finding in findings {
        let place = finding.place.as_ref();
        let fields = [
            finding.name.clone(),
            percentage(finding.confidence),
            area(finding, size),
            percentage(place.and_then(|place| place.confidence)),
            finding.details.join(", "),
        ];
        table.row(fields.map(|field| (field, Tone::Plain)));
    }
    table
}

/// A table of findings of several kinds.
fn table(findings: &[Finding], size: (u32, u32)) -> Table {
    let mut table = Table::new(&["KIND", "NAME", "CONFIDENCE", "BOX", "DETAILS"]);
    for finding in findings {
        let place = finding.place.as_ref();
        let confidence = place.and_then(|place| place.confidence);
        let fields = [
            finding.kind.name().to_owned(),
            finding.name.clone(),
            percentage(confidence.or(finding.confidence)),
            area(finding, size),
            finding.details.join(", "),
        ];
        table.row(fields.map(|field| (field, Tone::Plain)));
    }
    table
}

pub(crate) fn percentage(confidence: Option<f64>) -> String {
    confidence.map_or_else(String::new, |percent| format!("{percent:.1}"))
}

/// The box in pixels.
fn area(finding: &Finding, (width, height): (u32, u32)) -> String {
    finding
        .place
        .as_ref()
        .and_then(|place| draw::pixels(&place.bounds, width, height))
        .map_or_else(String::new, |[left, top, right, bottom]| {
            format!("{left},{top} {}x{}", right - left, bottom - top)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::parse;

    #[test]
    fn only_analyses_with_a_table_can_be_asked_for() {
        let args: AnalyzeArgs = parse(&["a.jpg", "--analyses", "text, faces,labels"]).unwrap();
        assert_eq!(args.analyses.to_string(), "labels,faces,text");
        let args: AnalyzeArgs = parse(&["a.jpg"]).unwrap();
        assert_eq!(args.analyses.to_string(), "labels");
        for wrong in ["", "cats", "labels,ppe"] {
            let parsed = parse::<AnalyzeArgs>(&["a.jpg", "--analyses", wrong]);
            assert!(parsed.is_err(), "{wrong}");
        }
        let args: AnalyzeArgs = parse(&["a.jpg"]).unwrap();
        for analysis in ANALYSES {
            let query = query(analysis, &args).unwrap();
            assert_eq!(query.operation(), analysis.operation());
        }
    }
}
