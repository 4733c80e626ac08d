//! Errors for operations that have no recogniser. Each says what would bring one.

use rekognition_model::{ErrorBody, ErrorCode, Operation};

/// An operation whose recogniser is not installed, or that has none.
pub(super) fn without_recogniser(operation: Operation) -> ErrorBody {
    let remedy = match operation {
        Operation::DetectFaces => "run `sightline models fetch faces`",
        Operation::DetectModerationLabels => "run `sightline models fetch moderation`",
        Operation::DetectText => {
            "run `sightline models fetch text` or install Tesseract (the Debian package tesseract-ocr)"
        }
        _ => {
            return error(format!(
                "{operation} has no recogniser in the local mode; run it against AWS."
            ));
        }
    };
    error(format!(
        "{operation} has no recogniser in this local mode: {remedy}, and start `sightline local` again, or run it \
         against AWS."
    ))
}

/// An operation that is not one of the image operations.
pub(super) fn unknown(operation: &str) -> ErrorBody {
    error(format!(
        "{operation} is not answered in the local mode, which has DetectLabels, DetectFaces, DetectModerationLabels, \
         DetectText and DetectCustomLabels; run it against AWS."
    ))
}

/// A model for custom labels that is not registered.
pub(super) fn unregistered(arn: &str) -> ErrorBody {
    ErrorBody::new(
        ErrorCode::ResourceNotFound,
        format!(
            "No model is registered as {arn}; `sightline local --custom-model NAME=MODEL.onnx,LABELS.json` registers one \
             and prints its ARN."
        ),
    )
}

fn error(message: String) -> ErrorBody {
    ErrorBody::new(ErrorCode::UnknownOperation, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_model_is_named_with_the_command_that_fetches_it() {
        for (operation, remedy) in [
            (Operation::DetectFaces, "`sightline models fetch faces`"),
            (
                Operation::DetectModerationLabels,
                "`sightline models fetch moderation`",
            ),
            (Operation::DetectText, "tesseract-ocr"),
            (Operation::RecognizeCelebrities, "run it against AWS"),
            (Operation::DetectProtectiveEquipment, "run it against AWS"),
        ] {
            let body = without_recogniser(operation);
            assert_eq!(body.error_code(), Some(ErrorCode::UnknownOperation));
            let message = body.message.unwrap();
            assert!(message.starts_with(operation.name()), "{message}");
            assert!(message.contains(remedy), "{message}");
        }
    }
}
