//! The recognisers behind Rekognition's operations: the label model, custom models, and Tesseract.

use super::args::{LocalArgs, TesseractChoice};
use anyhow::{Context, bail};
use rekognition_model::Operation;
use sightline_local_aws::CustomModel;
use sightline_pipeline::{Analyses, Analysis};
use sightline_vision::{Recogniser, Tesseract, TesseractError};
use std::{path::Path, sync::Arc};

/// The program on `PATH`.
const TESSERACT: &str = "tesseract";

/// All recognisers.
pub(super) struct Recognisers {
    pub(super) labels: Arc<Recogniser>,
    pub(super) custom: Vec<CustomModel>,
    pub(super) tesseract: Option<Tesseract>,
    /// Whether text is read, for people.
    pub(super) text: String,
}

impl Recognisers {
    /// The analyses that no recogniser supports.
    pub(super) fn unsupported(&self, analyses: &Analyses) -> Vec<Analysis> {
        let is_supported = |analysis: &Analysis| match analysis.operation() {
            Operation::DetectLabels => true,
            Operation::DetectCustomLabels => !self.custom.is_empty(),
            Operation::DetectText => self.tesseract.is_some(),
            _ => false,
        };
        analyses
            .iter()
            .filter(|analysis| !is_supported(analysis))
            .collect()
    }
}

/// Loads the recognisers on a thread for blocking work.
///
/// # Errors
/// When one of them cannot be used.
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

/// The embedded model, or that of `--model`.
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
                "--custom-model has the name \"{}\" twice; give each model its own name",
                files.name
            );
        }
        models.push(model);
    }
    Ok(models)
}

/// Tesseract, if there is one, and a sentence about it.
fn text(choice: &TesseractChoice) -> anyhow::Result<(Option<Tesseract>, String)> {
    let reads = |tesseract: Tesseract| {
        let message = format!("Text is read by Tesseract {}.", tesseract.version());
        (Some(tesseract), message)
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
                "Text is not read; to read it, install Tesseract (Debian package tesseract-ocr)."
                    .to_owned(),
            ),
            Err(error) => (None, format!("Text is not read: {error}.")),
        }),
    }
}

/// The model version for `custom-labels`: that of `--custom-labels-arn`, else the first registered one.
///
/// # Errors
/// When it is not registered, or when there is none and `custom-labels` needs one.
pub(super) fn custom_labels_arn(
    args: &LocalArgs,
    models: &[CustomModel],
) -> anyhow::Result<Option<String>> {
    let known: Vec<&str> = models.iter().map(|model| model.arn.as_str()).collect();
    match (&args.custom_labels_arn, known.first()) {
        (Some(arn), _) if known.contains(&arn.as_str()) => Ok(Some(arn.clone())),
        (Some(arn), Some(_)) => bail!(
            "--custom-labels-arn {arn} is not a registered model; registered are {}",
            known.join(", ")
        ),
        (Some(arn), None) => bail!(
            "--custom-labels-arn {arn} is not a registered model; register it with --custom-model NAME=MODEL.onnx,LABELS.json"
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
    use crate::testing::parse;

    fn args(arguments: &[&str]) -> LocalArgs {
        parse(arguments).unwrap()
    }

    fn model(name: &str) -> CustomModel {
        CustomModel::new("us-east-1", name, Arc::new(Recogniser::embedded().unwrap()))
    }

    #[test]
    fn the_first_custom_model_is_the_default() {
        let models = [model("shelves"), model("birds")];
        let [shelves, birds] = models.each_ref().map(|model| model.arn.clone());
        let arn = |arguments: &[&str]| custom_labels_arn(&args(arguments), &models).unwrap();
        assert_eq!(arn(&["--analyses", "custom-labels"]), Some(shelves));
        assert_eq!(arn(&["--custom-labels-arn", &birds]), Some(birds.clone()));
    }

    #[test]
    fn an_unknown_custom_model_is_rejected() {
        let error = |arguments: &[&str], models: &[CustomModel]| {
            custom_labels_arn(&args(arguments), models)
                .unwrap_err()
                .to_string()
        };
        let message = error(&["--analyses", "labels,custom-labels"], &[]);
        assert!(message.contains("needs a model"), "{message}");
        let other = "arn:aws:rekognition:us-east-1:123456789012:project/a/version/b/1";
        let message = error(&["--custom-labels-arn", other], &[model("birds")]);
        assert!(
            message.contains("project/birds/version/birds.local/0"),
            "{message}"
        );
        assert!(error(&["--custom-labels-arn", other], &[]).contains("--custom-model"));
        assert_eq!(custom_labels_arn(&args(&[]), &[]).unwrap(), None);
    }

    #[test]
    fn unsupported_analyses_are_listed() {
        let mut recognisers = Recognisers {
            labels: Arc::new(Recogniser::embedded().unwrap()),
            custom: Vec::new(),
            tesseract: None,
            text: String::new(),
        };
        let all: Analyses = Analysis::ALL.into_iter().collect();
        use Analysis::{Celebrities, CustomLabels, Faces, Moderation, Ppe, Text};
        assert_eq!(
            recognisers.unsupported(&all),
            [Faces, Text, Moderation, Celebrities, Ppe, CustomLabels]
        );
        recognisers.custom = vec![model("birds")];
        assert_eq!(
            recognisers.unsupported(&all),
            [Faces, Text, Moderation, Celebrities, Ppe]
        );
        let asked_for_by_default = &args(&[]).analyses;
        assert_eq!(recognisers.unsupported(asked_for_by_default), []);
    }

    #[test]
    fn an_unusable_model_is_an_error_with_its_files_and_the_reason() {
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
    fn the_sentence_about_text_gives_the_reason() {
        let (none, message) = text(&TesseractChoice::Off).unwrap();
        assert_eq!(none, None);
        assert!(message.contains("--tesseract off"));
        let error = text(&TesseractChoice::At("no/tesseract".into())).unwrap_err();
        let error = format!("{error:#}");
        assert!(
            error.starts_with("--tesseract no/tesseract cannot be used: "),
            "{error}"
        );
    }
}
