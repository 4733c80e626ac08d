//! `sightline get`: shows what is known about a stored picture, and downloads it.

use std::{
    ffi::OsString,
    io::{self, Write as _},
    path::PathBuf,
};

use anyhow::{Context as _, anyhow, bail};
use clap::{ArgGroup, Args};
use http::{Method, header::LOCATION};
use serde_json::{Map, Value};
use sightline_pipeline::{SourceKey, prepare::size::mib};
use sightline_upload_api::{key_path, results_path};
use tokio::task::spawn_blocking;

use crate::{
    analyze::{
        draw, draw_on,
        findings::{self, Finding, Kind},
        percentage,
    },
    api::{self, Api, ApiArgs, Problem},
    download::Target,
    exit::{CliError, Outcome},
    http::HttpClient,
    label_order::sort_as_summarized,
    output::{self, When},
    picture_name::{ACCEPTED, PictureName},
    table::{Step, Table, Tone},
};

/// `sightline get`.
#[derive(Debug, Clone, Args)]
#[command(
    group = ArgGroup::new("what").args(["json", "draw", "thumbnail", "preview", "original"]),
    after_long_help = format!("\
EXAMPLES
  What is in a picture that was uploaded before?
    sightline get uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg
  Its result document, as the service has it:
    sightline get 0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11 --json \\
        | jq .summary
  The picture with its boxes, and the picture itself:
    sightline get uploads/cat.jpg --draw boxes.png
    sightline get uploads/cat.jpg --original cat.jpg

{ACCEPTED}

EXIT CODES
  0  success
  1  there is no such picture, or it has no result yet
  2  invalid command line
  3  the service could not be reached
  4  the service rejected your credentials")
)]
pub(crate) struct GetArgs {
    /// The picture: its key, its image id, or an address that contains the key
    #[arg(value_name = "KEY")]
    picture: PictureName,

    #[command(flatten)]
    api: ApiArgs,

    /// Print the result document as the service has it
    #[arg(long)]
    json: bool,

    /// Draw boxes and names on the upright picture and write it to this .png or .jpg file
    #[arg(long, value_name = "FILE")]
    draw: Option<PathBuf>,

    /// Write the thumbnail, a JPEG, to this file; `-` is standard output
    #[arg(long, value_name = "FILE")]
    thumbnail: Option<OsString>,

    /// Write the large preview, a JPEG, to this file; `-` is standard output. A picture without one has its thumbnail
    #[arg(long, value_name = "FILE")]
    preview: Option<OsString>,

    /// Write the picture itself to this file; `-` is standard output
    #[arg(long, value_name = "FILE")]
    original: Option<OsString>,

    /// When to use colours; `auto` uses them on terminals unless NO_COLOR is set
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = When::Auto)]
    color: When,
}

/// How the table fits a narrow terminal.
const STEPS: [Step; 4] = [
    Step::End(4, 16),
    Step::End(1, 20),
    Step::Hide(4),
    Step::End(1, 12),
];

/// A picture at its service.
struct Picture<'a> {
    name: &'a PictureName,
    key: SourceKey,
    api: Api,
    http: HttpClient,
}

/// Shows or writes what the options ask for.
///
/// # Errors
/// When there is no such picture, it has no result yet, the service cannot be reached or rejects the credentials, or a file
/// cannot be written.
pub(crate) async fn run(args: GetArgs) -> anyhow::Result<Outcome> {
    if let Some(file) = &args.draw {
        draw::format(file).map_err(|error| CliError::Usage(error.to_string()))?;
    }
    let http = HttpClient::new();
    let api = Api::new(&args.api, http.clone())?;
    let picture = Picture {
        key: args.picture.key(&api).await?,
        name: &args.picture,
        api,
        http,
    };
    if let Some(file) = args.draw {
        picture.draw(file).await?;
    } else if let Some(file) = args.thumbnail {
        let url = picture.rendition("").await?;
        picture.save("thumbnail", &url, file.into()).await?;
    } else if let Some(file) = args.preview {
        let url = picture.rendition("?size=large").await?;
        picture.save("preview", &url, file.into()).await?;
    } else if let Some(file) = args.original {
        let url = picture.original().await?;
        picture.save("picture", &url, file.into()).await?;
    } else {
        let document = picture.document().await?;
        if args.json {
            print_document(&document)?;
        } else {
            show(&serde_json::from_slice(&document)?, args.color)?;
        }
    }
    Ok(Outcome::Done)
}

impl Picture<'_> {
    /// The result document as the service has it.
    async fn document(&self) -> anyhow::Result<Vec<u8>> {
        let response = (self.api)
            .send(Method::GET, &results_path(&self.key), None)
            .await?;
        match response.status {
            200 => Ok(response.body),
            202 => Err(anyhow!(
                "{} is stored, but has no result yet; try again in a few seconds",
                self.key
            )),
            404 => Err(self.name.missing(&self.key, &self.api)),
            _ => Err(Problem::read(&response).into()),
        }
    }

    /// A signed address of the picture itself.
    async fn original(&self) -> anyhow::Result<String> {
        let response = (self.api)
            .send(Method::GET, &self.path("images"), None)
            .await?;
        match response.status {
            200 => api::body::<Value>(&response)?
                .get("imageUrl")
                .and_then(Value::as_str)
                .map(str::to_owned)
                .context("the service gave no address of the picture"),
            404 => {
                // It is missing, or has no result yet; otherwise only its result is left.
                self.document().await?;
                bail!("{} is no longer stored; only its result is", self.key)
            }
            _ => Err(Problem::read(&response).into()),
        }
    }

    /// A signed address of the thumbnail or, with its query, of the preview.
    async fn rendition(&self, query: &str) -> anyhow::Result<String> {
        let path = format!("{}{query}", self.path("thumbnails"));
        let response = self.api.send(Method::GET, &path, None).await?;
        match response.status {
            302 => response
                .headers
                .get(LOCATION)
                .and_then(|url| Some(url.to_str().ok()?.to_owned()))
                .context("the service gave no address of the thumbnail"),
            404 => {
                self.document().await?;
                bail!("{} has no thumbnail", self.key)
            }
            _ => Err(Problem::read(&response).into()),
        }
    }

    /// The path of this picture in a collection of the API.
    fn path(&self, collection: &str) -> String {
        format!("/{collection}/{}", key_path(&self.key))
    }

    async fn save(&self, what: &str, url: &str, target: Target) -> anyhow::Result<()> {
        let length = target
            .save(&self.http, url)
            .await
            .with_context(|| format!("cannot download {}", self.key))?;
        if let Target::File(file) = target {
            let (size, file) = (mib(length), file.display());
            output::print_message(&format!("Wrote the {what} ({size}) to {file}."));
        }
        Ok(())
    }

    async fn draw(&self, file: PathBuf) -> anyhow::Result<()> {
        let document: Value = serde_json::from_slice(&self.document().await?)?;
        let findings = findings(&document)?;
        let url = self.original().await?;
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let original = folder.path().join("original");
        Target::File(original.clone())
            .save(&self.http, &url)
            .await
            .with_context(|| format!("cannot download {}", self.key))?;
        let shown = file.display().to_string();
        spawn_blocking(move || draw_on(&file, std::fs::read(original)?, &findings))
            .await?
            .with_context(|| format!("cannot draw on {}", self.key))?;
        output::print_message(&format!("Wrote the picture with its boxes to {shown}."));
        Ok(())
    }
}

/// Prints the document without changing a byte, except that its last line ends.
fn print_document(document: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let end: &[u8] = if document.ends_with(b"\n") {
        b""
    } else {
        b"\n"
    };
    output::ignore_closed_pipe(
        out.write_all(document)
            .and_then(|()| out.write_all(end))
            .and_then(|()| out.flush()),
    )
}

/// Prints a table of the findings, and what is known about the picture as a message.
fn show(document: &Value, color: When) -> anyhow::Result<()> {
    output::print_message(&heading(document));
    table(&findings(document)?).print(color)?;
    for error in errors(document) {
        output::print_message(&error);
    }
    Ok(())
}

/// The findings of the document, labels in the order of its summary, which has the telling ones first.
fn findings(document: &Value) -> anyhow::Result<Vec<Finding>> {
    let none = Map::new();
    let answers = document.get("rekognition").and_then(Value::as_object);
    let mut findings = findings::findings(answers.unwrap_or(&none))?;
    let labels = findings
        .iter()
        .take_while(|finding| finding.kind == Kind::Label)
        .count();
    if let Some(labels) = findings.get_mut(..labels) {
        sort_as_summarized(labels, document, |label| &label.name);
    }
    Ok(findings)
}

/// A table with one row for all boxes of a label.
fn table(findings: &[Finding]) -> Table {
    let mut table = Table::new(&["KIND", "NAME", "CONFIDENCE", "BOXES", "DETAILS"]).fit_by(&STEPS);
    for same in findings.chunk_by(|one, other| {
        one.kind == other.kind
            && one.name == other.name
            && matches!(one.kind, Kind::Label | Kind::Custom)
    }) {
        let Some(first) = same.first() else { continue };
        let boxes = same
            .iter()
            .filter(|finding| finding.place.is_some())
            .count();
        let confidence = same
            .iter()
            .filter_map(|finding| finding.confidence)
            .max_by(f64::total_cmp);
        let fields = [
            first.kind.name().to_owned(),
            first.name.clone(),
            percentage(confidence),
            boxes.to_string(),
            first.details.join(", "),
        ];
        table.row(fields.map(|field| (field, Tone::Plain)));
    }
    table
}

/// Name, format, size and times of the picture, and its status.
fn heading(document: &Value) -> String {
    let text = |pointer: &str| document.pointer(pointer).and_then(Value::as_str);
    let number = |pointer: &str| document.pointer(pointer).and_then(Value::as_u64);
    let name = text("/source/filename").or_else(|| text("/source/key"));
    let facts = [
        number("/image/width")
            .zip(number("/image/height"))
            .map(|(width, height)| format!("{width} x {height} pixels")),
        text("/image/format").map(str::to_uppercase),
        number("/source/size").map(mib),
        text("/image/takenAt").map(|time| format!("taken {time}")),
        text("/source/lastModified").map(|time| format!("uploaded {time}")),
    ];
    let facts: Vec<_> = facts.into_iter().flatten().collect();
    format!(
        "{}: {}. Status: {}.",
        name.unwrap_or_default(),
        facts.join(", "),
        text("/status").unwrap_or_default()
    )
}

/// Why there are no answers, or not all.
fn errors(document: &Value) -> Vec<String> {
    let errors = document.get("errors").and_then(Value::as_array);
    errors
        .into_iter()
        .flatten()
        .filter_map(|error| {
            let message = error.get("message")?.as_str()?;
            let analysis = error.get("analysis").and_then(Value::as_str);
            Some(analysis.map_or_else(
                || message.to_owned(),
                |analysis| format!("{analysis}: {message}"),
            ))
        })
        .collect()
}
