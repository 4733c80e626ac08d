//! The message at the start: URLs, commands to paste, and what is available.

use std::{fmt, path::Path};

use sightline_pipeline::{Analyses, config::Buckets};

use super::{endpoints::Endpoints, recognisers::Recognisers};

/// A picture in a checkout.
const SAMPLE_PICTURE: &str = "docs/pictures/astronaut.jpg";

/// The message.
pub(super) struct Banner<'a> {
    pub(super) endpoints: &'a Endpoints,
    /// The data folder.
    pub(super) data_dir: &'a Path,
    /// The picture in the commands.
    pub(super) picture: &'a str,
    pub(super) recognisers: &'a Recognisers,
    /// The analyses of each picture.
    pub(super) analyses: &'a Analyses,
    /// Whether other machines can connect.
    pub(super) is_public: bool,
    /// Whether to use the styles of a terminal.
    pub(super) colours: bool,
}

/// The picture for the commands: one that exists, or a name to replace.
pub(super) fn sample_picture() -> &'static str {
    if Path::new(SAMPLE_PICTURE).is_file() {
        SAMPLE_PICTURE
    } else {
        "picture.jpg"
    }
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bold, plain) = if self.colours {
            ("\x1b[1m", "\x1b[0m")
        } else {
            ("", "")
        };
        let Endpoints {
            api,
            aws,
            buckets: Buckets { input, output },
            region,
            credentials,
            identity_pool,
        } = self.endpoints;
        let (key_id, secret) = (&credentials.access_key_id, &credentials.secret_access_key);
        let picture = self.picture;
        let file = Path::new(picture).file_name().unwrap_or_default().display();
        let data_dir = self.data_dir.display();
        let Recognisers { custom, lines, .. } = self.recognisers;
        let analyses = self.analyses;
        write!(
            f,
            r#"{bold}Sightline is running.{plain} Drop pictures on this page:

  {bold}{api}{plain}

"#
        )?;
        match identity_pool {
            Some(pool) => write!(
                f,
                r#"Visitors are guests with temporary credentials, and see only their own pictures. The identity pool is {pool}.
Nobody can sign in here: requests to the API that no guest has signed get 401.

"#
            )?,
            None => write!(
                f,
                r#"Or paste this into another terminal (it needs jq and a JPEG picture):

  PICTURE={picture}
  curl -sS --fail-with-body {api}/uploads -o reply.json -d "{{\"contentType\":\"image/jpeg\",\"contentLength\":$(wc -c < "$PICTURE")}}"
  jq -r '.headers | to_entries[] | "\(.key): \(.value)"' reply.json > headers.txt
  curl -sS --fail-with-body -T "$PICTURE" -H @headers.txt "$(jq -r .uploadUrl reply.json)"
  while [ "$(curl -sS -o result.json -w '%{{http_code}}' "$(jq -r .statusUrl reply.json)")" = 202 ]; do sleep 0.2; done
  jq .summary result.json

"#
            )?,
        }
        write!(
            f,
            r#"Or use any AWS client:

  export AWS_ENDPOINT_URL={aws}
  export AWS_ACCESS_KEY_ID={key_id}
  export AWS_SECRET_ACCESS_KEY={secret}
  export AWS_REGION={region}
  export AWS_DEFAULT_REGION={region}
  unset AWS_SESSION_TOKEN
  aws s3 cp {picture} s3://{input}/uploads/
  aws rekognition detect-labels --image "S3Object={{Bucket={input},Name=uploads/{file}}}"

Pictures under uploads/ in {input} are analysed ({analyses}); their results are under results/ in {output}.
Data is stored in {data_dir}.
"#
        )?;
        for line in lines {
            writeln!(f, "{line}")?;
        }
        for model in custom {
            writeln!(
                f,
                "Custom labels: {}.\n  {}",
                model.recogniser.description(),
                model.arn
            )?;
        }
        let unsupported = self.recognisers.unsupported(self.analyses);
        if !unsupported.is_empty() {
            let names: Vec<_> = unsupported.iter().map(|analysis| analysis.name()).collect();
            writeln!(
                f,
                "{bold}Not available on this machine: {}.{plain} Results name them under errors. On AWS, Rekognition runs them.",
                names.join(", ")
            )?;
        }
        if self.is_public {
            let others = match identity_pool {
                None => {
                    "but the pages and the API require nothing: anyone who reaches them can upload pictures and read results."
                }
                Some(_) => "but anyone who reaches the pages can upload pictures as a guest.",
            };
            writeln!(
                f,
                "{bold}Other machines can connect.{plain} The buckets require the keys above, {others}"
            )?;
        }
        writeln!(f, "Press Ctrl-C to finish the work in progress and stop.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sightline_local_aws::CustomModel;
    use sightline_vision::Recogniser;
    use std::sync::Arc;

    fn banner(analyses: &str, is_public: bool, colours: bool) -> String {
        banner_of(&Endpoints::example(), analyses, is_public, colours)
    }

    fn banner_of(endpoints: &Endpoints, analyses: &str, is_public: bool, colours: bool) -> String {
        let model = Arc::new(Recogniser::embedded().unwrap());
        let vision = sightline_vision::Recognisers::embedded().unwrap();
        let recognisers = Recognisers {
            vision: Arc::new(vision),
            custom: vec![CustomModel::new("us-east-1", "birds", model)],
            lines: vec![
                "Text: not read.".to_owned(),
                "Faces: not answered.".to_owned(),
            ],
        };
        Banner {
            endpoints,
            data_dir: Path::new("/home/me/.sightline"),
            picture: "docs/cat.jpg",
            recognisers: &recognisers,
            analyses: &analyses.parse().unwrap(),
            is_public,
            colours,
        }
        .to_string()
    }

    #[test]
    fn the_banner_has_the_page_and_the_commands() {
        let text = banner("labels", false, false);
        for line in [
            "  http://127.0.0.1:8080",
            "  PICTURE=docs/cat.jpg",
            "  export AWS_ENDPOINT_URL=http://127.0.0.1:4566",
            "  export AWS_ACCESS_KEY_ID=local",
            "  export AWS_SECRET_ACCESS_KEY=local-secret",
            "  export AWS_REGION=us-east-1",
            "  export AWS_DEFAULT_REGION=us-east-1",
            "  aws rekognition detect-labels --image \"S3Object={Bucket=sightline-input,Name=uploads/cat.jpg}\"",
            "Text: not read.",
            "Faces: not answered.",
            "Pictures under uploads/ in sightline-input are analysed (labels); their results are under results/ in sightline-output.",
            "  arn:aws:rekognition:us-east-1:000000000000:project/birds/version/birds.local/0",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line}\n{text}");
        }
        assert!(
            text.contains("-w '%{http_code}'"),
            "single braces in the shell command: {text}"
        );
        assert!(!text.contains('\x1b'));
        assert!(!text.contains("Other machines"));
        assert!(!text.contains("Not available"));
    }

    #[test]
    fn with_guests_the_banner_says_that_nobody_can_sign_in() {
        let endpoints = Endpoints {
            identity_pool: Some("us-east-1:pool".to_owned()),
            ..Endpoints::example()
        };
        let text = banner_of(&endpoints, "labels", true, false);
        assert!(text.contains("The identity pool is us-east-1:pool."));
        assert!(text.contains("Nobody can sign in here"), "{text}");
        assert!(!text.contains("statusUrl") && !text.contains("require nothing"));
    }

    #[test]
    fn unavailable_analyses_are_named() {
        let text = banner("labels,faces,custom-labels,ppe", false, false);
        assert!(
            text.contains(
                "\nNot available on this machine: faces, ppe. Results name them under errors."
            ),
            "{text}"
        );
    }

    #[test]
    fn styles_and_the_warning_are_optional() {
        assert!(banner("labels", false, true).contains('\x1b'));
        assert!(banner("labels", true, false).contains("Other machines can connect."));
    }
}
