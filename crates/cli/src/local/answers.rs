//! The sentences of the start message about what answers what.

use sightline_vision::models::ModelName;

use super::args::ModelChoice;

/// What there is to answer with.
pub(super) struct Sources<'a> {
    /// Describes the embedded model, or the one of `--model`.
    pub(super) label_model: String,
    /// The installed models in use.
    pub(super) models: &'a [ModelName],
    /// Tesseract's version.
    pub(super) tesseract: Option<&'a str>,
    /// Without Tesseract, why. A clause.
    pub(super) no_tesseract: String,
    /// `--models`.
    pub(super) choice: ModelChoice,
}

impl Sources<'_> {
    fn has(&self, model: ModelName) -> bool {
        self.models.contains(&model)
    }
}

/// One line for each kind of answer, and one that says how to get more.
pub(super) fn lines(sources: &Sources<'_>) -> Vec<String> {
    let mut lines = vec![labels(sources), text(sources)];
    for (what, model) in [
        ("Faces", ModelName::Faces),
        ("Unsafe content", ModelName::Moderation),
    ] {
        lines.push(if sources.has(model) {
            format!("{what}: the model \"{model}\".")
        } else {
            format!("{what}: not answered.")
        });
    }
    lines.extend(more(sources));
    lines
}

fn labels(sources: &Sources<'_>) -> String {
    let with: Vec<String> = [ModelName::Objects, ModelName::Classes]
        .into_iter()
        .filter(|model| sources.has(*model))
        .map(|model| format!("\"{model}\""))
        .collect();
    match with.as_slice() {
        [] => format!("Labels: {}.", sources.label_model),
        [one] => format!("Labels: the model {one}, and {}.", sources.label_model),
        several => format!(
            "Labels: the models {}, and {}.",
            several.join(" and "),
            sources.label_model
        ),
    }
}

fn text(sources: &Sources<'_>) -> String {
    match (sources.has(ModelName::Text), sources.tesseract) {
        (true, Some(version)) => {
            format!("Text: the model \"text\" for photographs, Tesseract {version} for pages.")
        }
        (true, None) => "Text: the model \"text\".".to_owned(),
        (false, Some(version)) => format!("Text: Tesseract {version}, which reads pages."),
        (false, None) => format!("Text: not read, because {}.", reason(&sources.no_tesseract)),
    }
}

/// The clause after "because".
fn reason(no_tesseract: &str) -> String {
    match no_tesseract {
        "--tesseract off" => "Tesseract is turned off (--tesseract off)".to_owned(),
        other => other.to_owned(),
    }
}

/// How to get more models. None if all are there.
fn more(sources: &Sources<'_>) -> Option<String> {
    if sources.choice == ModelChoice::Embedded {
        return Some("Installed models are not used (--models embedded).".to_owned());
    }
    let missing: Vec<&str> = ModelName::ALL
        .into_iter()
        .filter(|model| !sources.has(*model))
        .map(ModelName::as_str)
        .collect();
    (!missing.is_empty()).then(|| {
        format!(
            "To add the models {}, run `sightline models fetch` and start again.",
            missing.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(models: &[ModelName], tesseract: Option<&str>, choice: ModelChoice) -> Vec<String> {
        lines(&Sources {
            label_model: "sightline 1.0 (191 labels)".to_owned(),
            models,
            tesseract,
            no_tesseract: "Tesseract is not installed".to_owned(),
            choice,
        })
    }

    #[test]
    fn without_models_the_last_line_says_how_to_get_them() {
        assert_eq!(
            shown(&[], None, ModelChoice::Auto),
            [
                "Labels: sightline 1.0 (191 labels).",
                "Text: not read, because Tesseract is not installed.",
                "Faces: not answered.",
                "Unsafe content: not answered.",
                "To add the models objects, classes, faces, moderation, text, run `sightline models fetch` and start again.",
            ]
        );
    }

    #[test]
    fn every_model_is_named_with_what_it_answers() {
        assert_eq!(
            shown(&ModelName::ALL, Some("5.3.0"), ModelChoice::Auto),
            [
                "Labels: the models \"objects\" and \"classes\", and sightline 1.0 (191 labels).",
                "Text: the model \"text\" for photographs, Tesseract 5.3.0 for pages.",
                "Faces: the model \"faces\".",
                "Unsafe content: the model \"moderation\".",
            ]
        );
        let some = shown(&[ModelName::Objects], Some("5.3.0"), ModelChoice::Auto);
        assert_eq!(
            some.first().map(String::as_str),
            Some("Labels: the model \"objects\", and sightline 1.0 (191 labels).")
        );
        assert_eq!(
            some.last().map(String::as_str),
            Some(
                "To add the models classes, faces, moderation, text, run `sightline models fetch` and start again."
            )
        );
    }

    #[test]
    fn with_the_embedded_model_alone_nothing_is_offered() {
        let lines = shown(&[], None, ModelChoice::Embedded);
        assert_eq!(
            lines.last().map(String::as_str),
            Some("Installed models are not used (--models embedded).")
        );
    }
}
