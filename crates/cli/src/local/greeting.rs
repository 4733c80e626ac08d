//! What a person reads when everything serves.

use std::{fmt, path::Path};

use sightline_pipeline::Analyses;

use super::{place::Place, recognisers::Recognisers};

/// A picture that a checkout has.
const SAMPLE: &str = "docs/pictures/astronaut.jpg";

/// The greeting, as it is displayed.
pub(super) struct Greeting<'a> {
    pub(super) place: &'a Place,
    /// Where everything is kept.
    pub(super) data_dir: &'a Path,
    /// The picture of the examples.
    pub(super) picture: &'a str,
    /// What looks at the pictures.
    pub(super) recognisers: &'a Recognisers,
    /// What is asked of every picture.
    pub(super) analyses: &'a Analyses,
    /// Whether other machines can reach it.
    pub(super) open: bool,
    /// Whether the reader is a terminal that shows colours.
    pub(super) colours: bool,
}

/// The picture for the examples: one that is there, or a name to replace.
pub(super) fn sample_picture() -> &'static str {
    if Path::new(SAMPLE).is_file() {
        SAMPLE
    } else {
        "picture.jpg"
    }
}

impl fmt::Display for Greeting<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bold, plain) = if self.colours {
            ("\x1b[1m", "\x1b[0m")
        } else {
            ("", "")
        };
        let Place {
            api,
            aws,
            input_bucket,
            output_bucket,
            region,
            credentials,
        } = self.place;
        let (key_id, secret) = (&credentials.access_key_id, &credentials.secret_access_key);
        let picture = self.picture;
        let file = Path::new(picture).file_name().unwrap_or_default().display();
        let data_dir = self.data_dir.display();
        let Recognisers {
            labels,
            custom,
            text,
            ..
        } = self.recognisers;
        let recogniser = labels.description();
        write!(
            f,
            r#"{bold}Sightline serves.{plain} Drop pictures on this page:

  {bold}{api}{plain}

or paste this into another terminal (it needs jq and a JPEG picture):

  PICTURE={picture}
  curl -sS --fail-with-body {api}/uploads -o reply.json -d "{{\"contentType\":\"image/jpeg\",\"contentLength\":$(wc -c < "$PICTURE")}}"
  jq -r '.headers | to_entries[] | "\(.key): \(.value)"' reply.json > headers.txt
  curl -sS --fail-with-body -T "$PICTURE" -H @headers.txt "$(jq -r .uploadUrl reply.json)"
  while [ "$(curl -sS -o result.json -w '%{{http_code}}' "$(jq -r .statusUrl reply.json)")" = 202 ]; do sleep 0.2; done
  jq .summary result.json

or point any AWS client at it:

  export AWS_ENDPOINT_URL={aws}
  export AWS_ACCESS_KEY_ID={key_id}
  export AWS_SECRET_ACCESS_KEY={secret}
  export AWS_REGION={region}
  export AWS_DEFAULT_REGION={region}
  unset AWS_SESSION_TOKEN
  aws s3 cp {picture} s3://{input_bucket}/uploads/
  aws rekognition detect-labels --image "S3Object={{Bucket={input_bucket},Name=uploads/{file}}}"

What lies under uploads/ in {input_bucket} is answered under results/ in {output_bucket}.
Everything is kept in {data_dir}.
The recogniser is {recogniser}.
{text}
"#
        )?;
        for model in custom {
            writeln!(
                f,
                "Custom labels by {} are those of\n  {}",
                model.recogniser.description(),
                model.arn
            )?;
        }
        let unanswered = self.recognisers.unanswered(self.analyses);
        if !unanswered.is_empty() {
            let names: Vec<_> = unanswered.iter().map(|analysis| analysis.name()).collect();
            writeln!(
                f,
                "{bold}Nothing on this machine answers {}:{plain} results say so under errors. On AWS Rekognition does.",
                names.join(", ")
            )?;
        }
        if self.open {
            writeln!(
                f,
                "{bold}Other machines can reach this one.{plain} The buckets ask for the keys above; the page and the API \
                 ask for nothing: whoever reaches them can upload pictures and read results."
            )?;
        }
        writeln!(f, "Ctrl-C finishes what is in hand and stops.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sightline_local_aws::CustomModel;
    use sightline_vision::Recogniser;
    use std::sync::Arc;

    fn greeting(analyses: &str, open: bool, colours: bool) -> String {
        let labels = Arc::new(Recogniser::embedded().unwrap());
        let recognisers = Recognisers {
            custom: vec![CustomModel::new("us-east-1", "birds", Arc::clone(&labels))],
            labels,
            tesseract: None,
            text: "Text is not read.".to_owned(),
        };
        Greeting {
            place: &Place::example(),
            data_dir: Path::new("/home/me/.sightline"),
            picture: "docs/cat.jpg",
            recognisers: &recognisers,
            analyses: &analyses.parse().unwrap(),
            open,
            colours,
        }
        .to_string()
    }

    #[test]
    fn it_names_the_page_and_what_can_be_pasted() {
        let said = greeting("labels", false, false);
        for line in [
            "  http://127.0.0.1:8080",
            "  PICTURE=docs/cat.jpg",
            "  export AWS_ENDPOINT_URL=http://127.0.0.1:4566",
            "  export AWS_ACCESS_KEY_ID=local",
            "  export AWS_SECRET_ACCESS_KEY=local-secret",
            "  export AWS_REGION=us-east-1",
            "  export AWS_DEFAULT_REGION=us-east-1",
            "  aws rekognition detect-labels --image \"S3Object={Bucket=sightline-input,Name=uploads/cat.jpg}\"",
            "Text is not read.",
            "  arn:aws:rekognition:us-east-1:000000000000:project/birds/version/birds.local/0",
        ] {
            assert!(said.lines().any(|said| said == line), "{line}\n{said}");
        }
        assert!(
            said.contains("-w '%{http_code}'"),
            "braces of the shell stay single: {said}"
        );
        assert!(!said.contains('\x1b'));
        assert!(!said.contains("Other machines"));
        assert!(!said.contains("Nothing on this machine"));
    }

    #[test]
    fn analyses_without_a_recogniser_are_named_at_the_start() {
        let said = greeting("labels,faces,custom-labels,ppe", false, false);
        assert!(
            said.contains(
                "\nNothing on this machine answers faces, ppe: results say so under errors."
            ),
            "{said}"
        );
    }

    #[test]
    fn colours_and_the_warning_come_only_where_they_belong() {
        assert!(greeting("labels", false, true).contains('\x1b'));
        assert!(greeting("labels", true, false).contains("Other machines can reach this one."));
    }
}
