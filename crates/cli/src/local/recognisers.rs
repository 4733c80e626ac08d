//! What answers Rekognition's operations: the model of the labels, models of one's own, and Tesseract.

use crate::args::{LocalArgs, TesseractChoice};
use anyhow::{Context, bail};
use rekognition_model::Operation;
use sightline_local_aws::CustomModel;
use sightline_pipeline::{Analyses, Analysis};
use sightline_vision::{Recogniser, Tesseract, TesseractError};
use std::{path::Path, sync::Arc};

/// The program's name where none was given.
const TESSERACT: &str = "tesseract";

/// Everything that looks at pictures.
pub(super) struct Recognisers {
    pub(super) labels: Arc<Recogniser>,
    pub(super) custom: Vec<CustomModel>,
    pub(super) tesseract: Option<Tesseract>,
    /// What a person is told about reading text.
    pub(super) text: String,
}

impl Recognisers {
    /// Those of the analyses that nothing on this machine answers.
    pub(super) fn unanswered(&self, analyses: &Analyses) -> Vec<Analysis> {
        let answers = |analysis: &Analysis| match analysis.operation() {
            Operation::DetectLabels => true,
            Operation::DetectCustomLabels => !self.custom.is_empty(),
            Operation::DetectText => self.tesseract.is_some(),
            _ => false,
        };
        analyses
            .iter()
            .filter(|analysis| !answers(analysis))
            .collect()
    }
}

/// Loads what was named, on a thread that may be kept busy.
///
/// # Errors
/// One sentence about the first that cannot be used.
pub(super) async fn load(args: &LocalArgs, region: &str) -> anyhow::Result<Recognisers> {
    let (args, region) = (args.clone(), region.to_owned());
    tokio::task::spawn_blocking(move || {
        let (tesseract, text) = text(&args.tesseract)?;
        Ok(Recognisers {
            labels: Arc::new(labels(&args)?),
            custom: custom(&args, &region)?,
            tesseract,
            text,
        })
    })
    .await?
}

/// The embedded model, or the one that was named.
fn labels(args: &LocalArgs) -> anyhow::Result<Recogniser> {
    match args.model.as_deref().zip(args.model_labels.as_deref()) {
        None => Recogniser::embedded().context("the embedded model cannot be used"),
        Some((model, labels)) => Recogniser::from_files(model, labels).with_context(|| {
            format!(
                "--model {} with --model-labels {} cannot be used",
                model.display(),
                labels.display()
            )
        }),
    }
}

fn custom(args: &LocalArgs, region: &str) -> anyhow::Result<Vec<CustomModel>> {
    let mut models: Vec<CustomModel> = Vec::with_capacity(args.custom_model.len());
    for files in &args.custom_model {
        let recogniser = Recogniser::custom_from_files(&files.model, &files.labels)
            .with_context(|| format!("--custom-model {files} cannot be used"))?;
        let model = CustomModel::new(region, &files.name, Arc::new(recogniser));
        if models.iter().any(|known| known.arn == model.arn) {
            bail!(
                "--custom-model names \"{}\" twice; give each model a name of its own",
                files.name
            );
        }
        models.push(model);
    }
    Ok(models)
}

/// Tesseract where it is, and what is to be said about it.
fn text(choice: &TesseractChoice) -> anyhow::Result<(Option<Tesseract>, String)> {
    let reads = |tesseract: Tesseract| {
        let said = format!("Text is read by Tesseract {}.", tesseract.version());
        (Some(tesseract), said)
    };
    match choice {
        TesseractChoice::Off => Ok((None, "Text is not read (--tesseract off).".to_owned())),
        TesseractChoice::At(program) => Tesseract::open(program)
            .map(reads)
            .with_context(|| format!("--tesseract {} cannot be used", program.display())),
        TesseractChoice::Auto => Ok(match Tesseract::open(Path::new(TESSERACT)) {
            Ok(tesseract) => reads(tesseract),
            Err(TesseractError::Missing(_)) => (
                None,
                "Text is not read: install the Debian package tesseract-ocr to have it read."
                    .to_owned(),
            ),
            Err(error) => (None, format!("Text is not read: {error}.")),
        }),
    }
}

/// The model version that `custom-labels` asks: the one that was named, else the first that is registered.
///
/// # Errors
/// When it is none of those that are registered, or there is none to ask.
pub(super) fn custom_labels_arn(
    args: &LocalArgs,
    models: &[CustomModel],
) -> anyhow::Result<Option<String>> {
    let known: Vec<&str> = models.iter().map(|model| model.arn.as_str()).collect();
    match (&args.custom_labels_arn, known.first()) {
        (Some(arn), _) if known.contains(&arn.as_str()) => Ok(Some(arn.clone())),
        (Some(arn), Some(_)) => bail!(
            "--custom-labels-arn {arn} is no registered model; those are {}",
            known.join(", ")
        ),
        (Some(arn), None) => bail!(
            "--custom-labels-arn {arn} is no registered model; register it with --custom-model NAME=MODEL.onnx,LABELS.json"
        ),
        (None, None) if args.analyses.contains(Analysis::CustomLabels) => bail!(
            "--analyses custom-labels needs a model; register one with --custom-model NAME=MODEL.onnx,LABELS.json"
        ),
        (None, first) => Ok(first.map(|arn| (*arn).to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;

    fn args(arguments: &[&str]) -> LocalArgs {
        let cli = Cli::try_parse_from(["sightline", "local"].iter().chain(arguments)).unwrap();
        match cli.command {
            Command::Local(args) => *args,
            _ => panic!("another command"),
        }
    }

    fn model(name: &str) -> CustomModel {
        CustomModel::new("us-east-1", name, Arc::new(Recogniser::embedded().unwrap()))
    }

    #[test]
    fn the_first_model_is_asked_unless_another_is_named() {
        let models = [model("shelves"), model("birds")];
        let [shelves, birds] = models.each_ref().map(|model| model.arn.clone());
        let asked = |arguments: &[&str]| custom_labels_arn(&args(arguments), &models).unwrap();
        assert_eq!(asked(&["--analyses", "custom-labels"]), Some(shelves));
        assert_eq!(asked(&["--custom-labels-arn", &birds]), Some(birds.clone()));
    }

    #[test]
    fn a_model_that_is_not_there_is_not_asked() {
        let error = |arguments: &[&str], models: &[CustomModel]| {
            custom_labels_arn(&args(arguments), models)
                .unwrap_err()
                .to_string()
        };
        let said = error(&["--analyses", "labels,custom-labels"], &[]);
        assert!(said.contains("needs a model"), "{said}");
        let other = "arn:aws:rekognition:us-east-1:123456789012:project/a/version/b/1";
        let said = error(&["--custom-labels-arn", other], &[model("birds")]);
        assert!(
            said.contains("project/birds/version/birds.local/0"),
            "{said}"
        );
        assert!(error(&["--custom-labels-arn", other], &[]).contains("--custom-model"));
        assert_eq!(custom_labels_arn(&args(&[]), &[]).unwrap(), None);
    }

    #[test]
    fn analyses_that_nothing_answers_are_named() {
        let mut recognisers = Recognisers {
            labels: Arc::new(Recogniser::embedded().unwrap()),
            custom: Vec::new(),
            tesseract: None,
            text: String::new(),
        };
        let all: Analyses = Analysis::ALL.into_iter().collect();
        use Analysis::{Celebrities, CustomLabels, Faces, Moderation, Ppe, Text};
        assert_eq!(
            recognisers.unanswered(&all),
            [Faces, Text, Moderation, Celebrities, Ppe, CustomLabels]
        );
        recognisers.custom = vec![model("birds")];
        assert_eq!(
            recognisers.unanswered(&all),
            [Faces, Text, Moderation, Celebrities, Ppe]
        );
        let asked_for_by_default = &args(&[]).analyses;
        assert_eq!(recognisers.unanswered(asked_for_by_default), []);
    }

    #[test]
    fn files_that_cannot_be_used_are_named_with_the_reason() {
        let args = args(&["--custom-model", "birds=no/birds.onnx,no/birds.json"]);
        let error = format!("{:#}", custom(&args, "us-east-1").err().unwrap());
        assert!(
            error.starts_with(
                "--custom-model birds=no/birds.onnx,no/birds.json cannot be used: cannot read no/birds.json"
            ),
            "{error}"
        );
    }

    #[test]
    fn what_is_said_about_text_fits() {
        let (none, said) = text(&TesseractChoice::Off).unwrap();
        assert_eq!(none, None);
        assert!(said.contains("--tesseract off"));
        let error = text(&TesseractChoice::At("no/tesseract".into())).unwrap_err();
        let error = format!("{error:#}");
        assert!(
            error.starts_with("--tesseract no/tesseract cannot be used: "),
            "{error}"
        );
    }
}
