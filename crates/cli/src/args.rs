//! The command line.

use crate::{
    analyze::AnalyzeArgs, backfill::BackfillArgs, completions::CompletionsArgs,
    reindex::ReindexArgs, search::SearchArgs, upload::UploadArgs,
};
use clap::{Args, Parser, Subcommand};
use sightline_pipeline::{Analyses, config::AllowedOrigins};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    str::FromStr,
};

/// Sightline tells you what is in your pictures.
#[derive(Debug, Parser)]
#[command(
    name = "sightline",
    version,
    about,
    propagate_version = true,
    after_long_help = "\
GETTING STARTED
  In one terminal, everything on this machine, no account needed:
    sightline local
  In another, what does the picture show?
    sightline upload cat.jpg
  Find it again:
    sightline search --label Cat
  Ask Rekognition directly and see its boxes:
    sightline analyze cat.jpg --draw boxes.png --open

AWS OR THIS MACHINE
  upload and search talk to the API at SIGHTLINE_API (--api).
  analyze, backfill and reindex talk to AWS through the usual variables
  (AWS_PROFILE, AWS_REGION, ...), or to the local mode through
  AWS_ENDPOINT_URL and the keys that `sightline local` prints.

EXIT CODES
  0 all well; 1 some pictures failed, or any other error;
  2 wrong command line; 3 service not reached;
  4 service refused (keys, permissions, sign-in); 130 interrupted"
)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What the command does.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything on this machine: pages, API, S3, Rekognition, queue and processor
    Local(Box<LocalArgs>),
    /// Upload pictures and see what they show
    Upload(Box<UploadArgs>),
    /// Ask Rekognition about one picture and see its boxes drawn
    Analyze(Box<AnalyzeArgs>),
    /// Find pictures by what they show
    Search(Box<SearchArgs>),
    /// Queue pictures that lay in the bucket before
    Backfill(Box<BackfillArgs>),
    /// Make the index anew from the result documents
    Reindex(ReindexArgs),
    /// Put dead letters back into the queue, also while `sightline local` runs
    Redrive(RedriveArgs),
    /// Print the completions of a shell
    Completions(CompletionsArgs),
}

/// `sightline local`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "\
EXAMPLES
  For this machine alone:
    sightline local
  A second one beside it, on free ports and with data of its own:
    sightline local --port 0 --aws-port 0 --data-dir .sightline-2
  For the whole network, where this machine is called pictures.local:
    sightline local --host 0.0.0.0 --public-host pictures.local
  With a detector of your own, and the text that Tesseract reads:
    sightline local --model birds.onnx --model-labels birds.json \\
        --analyses labels,image-properties,text

STOPPED
  Ctrl-C finishes what is in hand and ends; a second one ends at once. Nothing
  is lost either way: what was not answered is at the next start.

EXIT CODES
  0  it served until it was stopped   2    the command line is wrong
  1  it could not start, or go on     130  stopped at once")]
pub(crate) struct LocalArgs {
    /// Port of the pages and the API; 0 takes a free one
    #[arg(long, env = "SIGHTLINE_PORT", default_value_t = 8080)]
    pub(crate) port: u16,

    /// Port of the AWS endpoint (S3 and Rekognition); 0 takes a free one
    #[arg(long, env = "SIGHTLINE_AWS_PORT", default_value_t = 4566)]
    pub(crate) aws_port: u16,

    /// Address to listen on; any but a loopback address lets other machines in
    #[arg(long, env = "SIGHTLINE_HOST", value_name = "ADDRESS", default_value = "127.0.0.1", value_parser = host)]
    pub(crate) host: IpAddr,

    /// Name or address under which others reach this machine; it stands in upload and result addresses
    #[arg(long, env = "SIGHTLINE_PUBLIC_HOST", value_name = "HOST", value_parser = public_host)]
    pub(crate) public_host: Option<String>,

    /// Further name by which the pages and the API may be asked, without a port; may be given several times. Requests
    /// for other names than those of this machine are refused, because any site can have its name lead here
    #[arg(long, env = "SIGHTLINE_ALLOWED_HOSTS", value_name = "NAME", value_delimiter = ',', value_parser = public_host)]
    pub(crate) allowed_host: Vec<String>,

    /// Folder for objects, queue, dead letters and the log of AWS calls; made when it is not there
    #[arg(
        long,
        env = "SIGHTLINE_DATA_DIR",
        value_name = "FOLDER",
        default_value = ".sightline"
    )]
    pub(crate) data_dir: PathBuf,

    /// Write addresses, buckets and keys to this file as JSON once everything serves
    #[arg(long, env = "SIGHTLINE_READY_FILE", value_name = "FILE")]
    pub(crate) ready_file: Option<PathBuf>,

    /// An ONNX detector or classifier to use instead of the embedded one
    #[arg(
        long,
        env = "SIGHTLINE_MODEL",
        value_name = "FILE",
        requires = "model_labels"
    )]
    pub(crate) model: Option<PathBuf>,

    /// The label table of `--model`: its labels, and how its outputs are to be read
    #[arg(
        long,
        env = "SIGHTLINE_MODEL_LABELS",
        value_name = "FILE",
        requires = "model"
    )]
    pub(crate) model_labels: Option<PathBuf>,

    /// A model for custom labels, an ONNX detector or classifier with its label table; may be given several times. Each
    /// has a project version's ARN, which is printed at start. Several in one value are separated by semicolons
    #[arg(
        long,
        env = "SIGHTLINE_CUSTOM_MODELS",
        value_name = "NAME=MODEL.onnx,LABELS.json",
        value_delimiter = ';'
    )]
    pub(crate) custom_model: Vec<CustomModelFiles>,

    /// The model version that `custom-labels` asks; the first `--custom-model` when it is not given
    #[arg(long, env = "SIGHTLINE_CUSTOM_LABELS_ARN", value_name = "ARN")]
    pub(crate) custom_labels_arn: Option<String>,

    /// What reads text: `auto` for the Tesseract on PATH where there is one, the path of one, or `off`
    #[arg(
        long,
        env = "SIGHTLINE_TESSERACT",
        value_name = "PROGRAM",
        default_value = "auto"
    )]
    pub(crate) tesseract: TesseractChoice,

    /// What is asked of a picture, separated by commas; here labels, image-properties, text (with Tesseract) and
    /// custom-labels (with `--custom-model`) have an answer
    #[arg(
        long,
        env = "SIGHTLINE_ANALYSES",
        value_name = "NAMES",
        default_value = "labels,image-properties",
        value_parser = analyses
    )]
    pub(crate) analyses: Analyses,

    /// Least confidence of a label, percent from 0 to 100
    #[arg(long, env = "SIGHTLINE_MIN_CONFIDENCE", value_name = "PERCENT", default_value_t = 55.0, value_parser = percent)]
    pub(crate) min_confidence: f32,

    /// Most labels of a picture, 1 to 1000
    #[arg(
        long,
        env = "SIGHTLINE_MAX_LABELS",
        value_name = "COUNT",
        default_value_t = 1000,
        value_parser = clap::value_parser!(u32).range(1..=1000)
    )]
    pub(crate) max_labels: u32,

    /// Largest picture in bytes, up to 5 GiB; Rekognition reads 15 MiB
    #[arg(
        long,
        env = "SIGHTLINE_MAX_UPLOAD_BYTES",
        value_name = "BYTES",
        default_value_t = 15 * 1024 * 1024,
        value_parser = clap::value_parser!(u64).range(1..=5 * 1024 * 1024 * 1024)
    )]
    pub(crate) max_upload_bytes: u64,

    /// Other pages that may call the API and the buckets: `*`, or origins separated by commas
    #[arg(long, env = "SIGHTLINE_ALLOWED_ORIGINS", value_name = "ORIGINS", default_value = "", value_parser = origins)]
    pub(crate) allowed_origins: AllowedOrigins,
}

/// The two files of a model, and the name it is registered under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CustomModelFiles {
    pub(crate) name: String,
    pub(crate) model: PathBuf,
    pub(crate) labels: PathBuf,
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
        // What the name becomes in an ARN has at most 255 characters, six of them ".local".
        let name = |name: &str| {
            (1..=249).contains(&name.len())
                && name
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
        };
        text.split_once('=')
            .filter(|(before, _)| name(before))
            .and_then(|(name, files)| Some((name, files.rsplit_once(',')?)))
            .filter(|(_, (model, labels))| !model.is_empty() && !labels.is_empty())
            .map(|(name, (model, labels))| Self {
                name: name.to_owned(),
                model: model.into(),
                labels: labels.into(),
            })
            .ok_or_else(|| {
                "it takes a name of letters, digits, '_', '.' and '-' and two files, such as \
                 shelves=shelves.onnx,shelves.json"
                    .to_owned()
            })
    }
}

/// Where Tesseract comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TesseractChoice {
    /// From `PATH`, where it is there.
    Auto,
    /// From nowhere.
    Off,
    /// This program and no other.
    At(PathBuf),
}

impl FromStr for TesseractChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "" => Err("it takes auto, off or a program".to_owned()),
            "auto" => Ok(Self::Auto),
            "off" => Ok(Self::Off),
            program => Ok(Self::At(program.into())),
        }
    }
}

/// `sightline redrive`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
A picture that could not be answered after several attempts becomes a dead
letter: a file in dead-letters/ of the data folder, which says why. It stays
there until it is put back, with all its attempts before it again.

EXAMPLES
  All of them, in the folder where `sightline local` was started:
    sightline redrive
  One of them, of another folder:
    sightline redrive --data-dir pictures 3f0c1b6e-8a0d-4f6b-9c1e-2d7a5b8e4c90

EXIT CODES
  0  all are in the queue again, or there are none
  1  some are not
  2  the command line is wrong, or the folder holds no queue")]
pub(crate) struct RedriveArgs {
    /// The folder that `sightline local` was given
    #[arg(
        long,
        env = "SIGHTLINE_DATA_DIR",
        value_name = "FOLDER",
        default_value = ".sightline"
    )]
    pub(crate) data_dir: PathBuf,

    /// Dead letters to put back, by the id in their file names; all when none is named
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,
}

fn host(text: &str) -> Result<IpAddr, String> {
    if text.eq_ignore_ascii_case("localhost") {
        return Ok(Ipv4Addr::LOCALHOST.into());
    }
    text.parse().map_err(|_| {
        "it takes an IP address of this machine, such as 127.0.0.1 or 0.0.0.0".to_owned()
    })
}

fn public_host(text: &str) -> Result<String, String> {
    let name = !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
    if name || text.parse::<IpAddr>().is_ok() {
        Ok(text.to_owned())
    } else {
        Err(
            "it takes a host name or an IP address without a port, such as pictures.local"
                .to_owned(),
        )
    }
}

pub(crate) fn analyses(text: &str) -> Result<Analyses, String> {
    text.parse()
        .map_err(|error: sightline_pipeline::analysis::UnknownAnalysis| error.to_string())
}

pub(crate) fn percent(text: &str) -> Result<f32, String> {
    text.parse()
        .ok()
        .filter(|percent| (0.0..=100.0).contains(percent))
        .ok_or_else(|| "it takes a number from 0 to 100".to_owned())
}

fn origins(text: &str) -> Result<AllowedOrigins, String> {
    text.parse()
        .map_err(|_| "it takes * or origins separated by commas, such as https://a.example,http://localhost:3000".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, error::ErrorKind};

    fn local(arguments: &[&str]) -> Result<LocalArgs, clap::Error> {
        let cli = Cli::try_parse_from(["sightline", "local"].iter().chain(arguments))?;
        match cli.command {
            Command::Local(args) => Ok(*args),
            _ => panic!("another command"),
        }
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn nothing_needs_to_be_said() {
        let args = local(&[]).unwrap();
        assert_eq!((args.port, args.aws_port), (8080, 4566));
        assert!(args.host.is_loopback());
        assert_eq!(args.data_dir, PathBuf::from(".sightline"));
        assert_eq!(args.analyses.to_string(), "labels,image-properties");
        assert_eq!((args.min_confidence, args.max_labels), (55.0, 1000));
        assert_eq!(args.max_upload_bytes, 15_728_640);
        assert_eq!(args.allowed_origins, AllowedOrigins::None);
        assert_eq!(args.ready_file, None);
        assert_eq!(args.custom_model, []);
        assert_eq!(args.tesseract, TesseractChoice::Auto);
    }

    #[test]
    fn everything_can_be_said() {
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
            "--max-labels",
            "3",
            "--max-upload-bytes",
            "1000",
            "--allowed-origins",
            "http://localhost:3000",
        ])
        .unwrap();
        assert_eq!(args.host, IpAddr::from(Ipv4Addr::LOCALHOST));
        assert_eq!(args.public_host.as_deref(), Some("pictures.local"));
        assert_eq!(args.analyses.to_string(), "labels,faces");
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
        assert_eq!(
            args.allowed_origins,
            AllowedOrigins::List(vec!["http://localhost:3000".to_owned()])
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (arguments, said) in [
            (&["--port", "65536"][..], "--port"),
            (&["--host", "somewhere"], "IP address of this machine"),
            (&["--public-host", "http://a"], "without a port"),
            (&["--allowed-host", "a.example:8080"], "without a port"),
            (&["--analyses", "cats"], "is no analysis"),
            (&["--custom-model", "birds.onnx"], "two files"),
            (&["--custom-model", "birds=birds.onnx"], "two files"),
            (&["--custom-model", "big birds=a.onnx,b.json"], "two files"),
            (&["--custom-model", "birds=,b.json"], "two files"),
            (&["--tesseract", ""], "auto, off or a program"),
            (&["--min-confidence", "101"], "from 0 to 100"),
            (&["--min-confidence", "NaN"], "from 0 to 100"),
            (&["--max-labels", "0"], "1..=1000"),
            (
                &["--allowed-origins", "a.example"],
                "origins separated by commas",
            ),
            (&["--model", "m.onnx"], "--model-labels"),
            (&["--model-labels", "l.json"], "--model"),
        ] {
            let error = local(arguments).unwrap_err();
            assert!(error.to_string().contains(said), "{arguments:?}: {error}");
        }
        let error = Cli::try_parse_from(["sightline"]).unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        );
    }

    /// The commands that have a help of their own, and their names.
    fn commands() -> Vec<(String, clap::Command)> {
        let mut cli = Cli::command();
        cli.build();
        cli.get_subcommands()
            .filter(|command| command.get_name() != "help")
            .chain([&cli])
            .map(|command| (command.get_name().to_owned(), command.clone()))
            .collect()
    }

    fn after_help(command: &clap::Command) -> String {
        command
            .get_after_long_help()
            .map(ToString::to_string)
            .unwrap_or_default()
    }

    #[test]
    fn no_line_of_what_the_help_ends_with_is_broken_on_a_narrow_terminal() {
        for (name, command) in commands() {
            let help = after_help(&command);
            assert!(!help.is_empty(), "{name}");
            let rendered = command.term_width(80).render_long_help().to_string();
            let rendered: Vec<_> = rendered.lines().collect();
            for line in help.lines() {
                assert!(line.chars().count() <= 78, "{name}: {line}");
                assert!(rendered.contains(&line), "{name}: {line}");
            }
        }
    }

    /// The lines of the examples that are meant for a shell, as they would be pasted.
    #[cfg(unix)]
    fn examples(help: &str) -> Vec<String> {
        let mut examples: Vec<String> = Vec::new();
        let mut goes_on = false;
        for line in help
            .split("\n\n")
            .filter(|part| part.starts_with("EXAMPLES") || part.starts_with("GETTING STARTED"))
            .flat_map(str::lines)
            .filter_map(|line| line.strip_prefix("    "))
        {
            match examples.last_mut().filter(|_| goes_on) {
                Some(example) => *example = format!("{example}\n{line}"),
                None => examples.push(line.to_owned()),
            }
            goes_on = line.ends_with('\\');
        }
        assert!(!goes_on, "{help}");
        examples
    }

    #[cfg(unix)]
    #[test]
    fn every_example_can_be_pasted() {
        for (name, command) in commands() {
            let examples = examples(&after_help(&command));
            assert!(!examples.is_empty(), "{name}");
            for example in examples {
                // What the shell gives to the program, and not the file that a script would go to.
                let (pasted, _) = example.split_once(" > ").unwrap_or((&example, ""));
                let shell = std::process::Command::new("sh")
                    .args(["-euc"])
                    .arg(format!(
                        "sightline() {{ printf '%s\\n' sightline \"$@\"; }}; jq() {{ cat; }}\n{pasted}\n"
                    ))
                    .output()
                    .unwrap();
                let complaints = String::from_utf8(shell.stderr).unwrap();
                assert!(
                    shell.status.success() && complaints.is_empty(),
                    "{example}: {complaints}"
                );
                let arguments = String::from_utf8(shell.stdout).unwrap();
                let parsed = Cli::try_parse_from(arguments.lines());
                assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
            }
        }
    }

    #[test]
    fn dead_letters_are_named_or_all_are_meant() {
        let Command::Redrive(all) = Cli::try_parse_from(["sightline", "redrive"])
            .unwrap()
            .command
        else {
            panic!("another command")
        };
        assert!(all.ids.is_empty());
        let named =
            Cli::try_parse_from(["sightline", "redrive", "--data-dir", "d", "a", "b"]).unwrap();
        let Command::Redrive(named) = named.command else {
            panic!("another command")
        };
        assert_eq!(
            (named.data_dir, named.ids),
            (PathBuf::from("d"), vec!["a".to_owned(), "b".to_owned()])
        );
    }
}
