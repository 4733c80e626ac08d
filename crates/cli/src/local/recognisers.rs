//! The recognisers behind Rekognition's operations: the embedded model, installed models, custom models, and Tesseract.

use super::{
    answers::{self, Sources},
    args::{LocalArgs, ModelChoice, TesseractChoice},
    models::{self, Installed},
};
use anyhow::{Context, bail};
use rekognition_model::Operation;
use sightline_local_aws::CustomModel;
use sightline_pipeline::{Analyses, Analysis};
use sightline_vision::{
    LabelModels, Recogniser, Recognisers as VisionRecognisers, Tesseract, TesseractError,
    models::ModelName,
};
use std::{path::Path, sync::Arc};

/// The program on `PATH`.
const TESSERACT: &str = "tesseract";

/// All recognisers.
pub(super) struct Recognisers {
    pub(super) vision: Arc<VisionRecognisers>,
    pub(super) custom: Vec<CustomModel>,
    /// What answers what, for people: a sentence for each line.
    pub(super) lines: Vec<String>,
}

impl Recognisers {
    /// The analyses of each picture: those of `--analyses`, else all that the embedded and the installed models answer.
    pub(super) fn analyses(&self, args: &LocalArgs) -> Analyses {
        args.analyses.clone().unwrap_or_else(|| {
            let by_default = |analysis: &Analysis| match analysis {
                Analysis::Labels | Analysis::ImageProperties => true,
                Analysis::Faces => self.vision.has(ModelName::Faces),
                Analysis::Moderation => self.vision.has(ModelName::Moderation),
                // Tesseract alone finds little in photographs, and takes its time.
                Analysis::Text => self.vision.has(ModelName::Text),
                Analysis::Celebrities | Analysis::Ppe | Analysis::CustomLabels => false,
            };
            Analysis::ALL.into_iter().filter(by_default).collect()
        })
    }

    /// The analyses that no recogniser supports.
    pub(super) fn unsupported(&self, analyses: &Analyses) -> Vec<Analysis> {
        let is_supported = |analysis: &Analysis| match analysis.operation() {
            Operation::DetectCustomLabels => !self.custom.is_empty(),
            operation => self.vision.supports(operation),
        };
        analyses
            .iter()
            .filter(|analysis| !is_supported(analysis))
            .collect()
    }
}

/// Loads the recognisers on a thread for blocking work. With `--fetch-models`, fetches missing models first.
///
/// # Errors
/// When one of them cannot be used.
pub(super) async fn load(args: &LocalArgs, region: &str) -> anyhow::Result<Recognisers> {
    let (args, region) = (args.clone(), region.to_owned());
    tokio::task::spawn_blocking(move || {
        let installed = match args.models {
            ModelChoice::Auto => models::find(&args),
            ModelChoice::Embedded => Installed::default(),
        };
        let (tesseract, no_tesseract) = tesseract(&args.tesseract)?;
        let labels = labels(&args)?;
        let vision = VisionRecognisers::new(&labels, tesseract, installed.models).context(
            "the installed models cannot be used; check them with `sightline models verify`, or start with --models embedded",
        )?;
        let lines = answers::lines(&Sources {
            label_model: vision.label_model().to_string(),
            models: vision.models(),
            tesseract: vision.tesseract_version(),
            no_tesseract,
            choice: args.models,
        });
        Ok(Recognisers {
            vision: Arc::new(vision),
            custom: custom(&args, &region)?,
            lines: lines.into_iter().chain(installed.notes).collect(),
        })
    })
    .await?
}

/// The embedded model, or that of `--model`, which answers alone.
fn labels(args: &LocalArgs) -> anyhow::Result<LabelModels> {
    match args.model.as_deref().zip(args.model_labels.as_deref()) {
        None => {
            let embedded = Recogniser::embedded().context("the embedded model cannot be used")?;
            Ok(LabelModels::Combined(Arc::new(embedded)))
        }
        Some((model, labels)) => Recogniser::from_files(model, labels)
            .map(|own| LabelModels::Alone(Arc::new(own)))
            .with_context(|| {
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

/// Tesseract, or a clause that says why there is none.
fn tesseract(choice: &TesseractChoice) -> anyhow::Result<(Option<Tesseract>, String)> {
    match choice {
        TesseractChoice::Off => Ok((None, "--tesseract off".to_owned())),
        TesseractChoice::At(program) => Tesseract::open(program)
            .map(|tesseract| (Some(tesseract), String::new()))
            .with_context(|| format!("--tesseract {} cannot be used", program.display())),
        TesseractChoice::Auto => Ok(match Tesseract::open(Path::new(TESSERACT)) {
            Ok(tesseract) => (Some(tesseract), String::new()),
            Err(TesseractError::Missing(_)) => (
                None,
                "Tesseract is not installed (Debian package tesseract-ocr)".to_owned(),
            ),
            Err(error) => (None, error.to_string()),
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
    let needs_one = args
        .analyses
        .as_ref()
        .is_some_and(|analyses| analyses.contains(Analysis::CustomLabels));
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
        (None, None) if needs_one => bail!(
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

    fn recognisers() -> Recognisers {
        Recognisers {
            vision: Arc::new(VisionRecognisers::embedded().unwrap()),
            custom: Vec::new(),
            lines: Vec::new(),
        }
    }

    #[test]
    fn unsupported_analyses_are_listed() {
        let mut recognisers = recognisers();
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
    }

    #[test]
    fn by_default_a_picture_gets_the_analyses_that_can_be_answered() {
        let recognisers = recognisers();
        let by_default = recognisers.analyses(&args(&[]));
        assert_eq!(by_default.to_string(), "labels,image-properties");
        assert_eq!(recognisers.unsupported(&by_default), []);
        let asked = recognisers.analyses(&args(&["--analyses", "faces"]));
        assert_eq!(asked.to_string(), "faces");
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
    fn the_reason_for_no_tesseract_is_given() {
        let (none, reason) = tesseract(&TesseractChoice::Off).unwrap();
        assert_eq!(none, None);
        assert_eq!(reason, "--tesseract off");
        let error = tesseract(&TesseractChoice::At("no/tesseract".into())).unwrap_err();
        let error = format!("{error:#}");
        assert!(
            error.starts_with("--tesseract no/tesseract cannot be used: "),
            "{error}"
        );
    }
}
