//! The configuration of the two functions, read from the environment once, at start.

use std::{
    fmt::{self, Display},
    str::FromStr,
};

use crate::{Analyses, Analysis, index::Lists, keys::is_identity_id, recognition::Settings};

/// A variable that is missing or wrong. The message is one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} {problem}; it takes {takes}")]
pub struct ConfigError {
    /// The environment variable.
    pub variable: &'static str,
    /// What is wrong.
    pub problem: String,
    /// The values that the variable takes, with an example or a range.
    pub takes: &'static str,
}

/// Looks up a variable: in the process's environment, or in a test's map.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Looks up a variable in the process's environment. A value that is not UTF-8 counts as missing.
#[must_use]
pub fn environment(variable: &str) -> Option<String> {
    std::env::var(variable).ok()
}

/// The largest object that a single PUT may store, in bytes: 5 GiB
/// (Amazon S3 User Guide, "Uploading objects").
const MAX_PUT_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// The two buckets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buckets {
    /// The bucket for images (`INPUT_BUCKET`).
    pub input: String,
    /// The bucket for result documents, thumbnails and previews (`OUTPUT_BUCKET`).
    pub output: String,
}

impl Buckets {
    fn read(lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        const TAKES: &str = "the name of a bucket, 3 to 63 characters of a-z, 0-9, '.' and '-'";
        let bucket = |variable| {
            let name: String = required(lookup, variable, TAKES)?;
            let is_valid = (3..=63).contains(&name.len())
                && name.bytes().all(|b| {
                    b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-'
                });
            if is_valid {
                Ok(name)
            } else {
                Err(wrong(variable, &name, TAKES))
            }
        };
        let (input, output) = (bucket("INPUT_BUCKET")?, bucket("OUTPUT_BUCKET")?);
        if input == output {
            return Err(ConfigError {
                variable: "OUTPUT_BUCKET",
                problem: "names the same bucket as INPUT_BUCKET".to_owned(),
                takes: "another bucket, so that no result is mistaken for an image",
            });
        }
        Ok(Self { input, output })
    }
}

/// Who may access which images (`ACCESS`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// Everyone may list, read and delete all images.
    Open,
    /// Callers may list, read and delete their own images. The claim `sub` of the token, which API Gateway's
    /// JWT authorizer has verified, identifies the caller.
    Owner,
    /// Anyone who knows an image's key may read it. Nobody may list or delete.
    #[default]
    Unlisted,
}

impl Access {
    /// All values.
    pub const ALL: [Self; 3] = [Self::Open, Self::Owner, Self::Unlisted];

    /// The name in `ACCESS`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Owner => "owner",
            Self::Unlisted => "unlisted",
        }
    }

    fn read(lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        lookup("ACCESS").map_or(Ok(Self::default()), |name| name.parse())
    }
}

impl FromStr for Access {
    type Err = ConfigError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|access| access.name() == name.trim())
            .ok_or_else(|| {
                wrong(
                    "ACCESS",
                    name,
                    "open (everyone sees all images), owner (signed-in callers see their own) or unlisted (anyone who knows a key can read the image)",
                )
            })
    }
}

/// The configuration of the upload API.
#[derive(Debug, Clone, PartialEq)]
pub struct UploadApiConfig {
    /// The buckets.
    pub buckets: Buckets,
    /// Who may access which images (`ACCESS`, `unlisted`).
    pub access: Access,
    /// The analyses that a client may request (`ANALYSES`).
    pub analyses: Analyses,
    /// The largest image, in bytes (`MAX_UPLOAD_BYTES`, 15 MiB).
    pub max_upload_bytes: u64,
    /// How long an upload URL is valid, in seconds (`UPLOAD_URL_SECONDS`, 300).
    pub upload_url_seconds: u64,
    /// How long a result URL is valid, in seconds (`RESULT_URL_SECONDS`, 900).
    pub result_url_seconds: u64,
    /// Whether images may come in requests, `POST /images` (`IMAGE_REQUESTS`, on).
    pub image_requests: bool,
    /// Whether deleting an image deletes all of its versions in the input bucket (`DELETE_VERSIONS`, `off`). Otherwise, in a
    /// bucket that keeps versions, a deletion hides the image and keeps its bytes.
    pub delete_versions: bool,
    /// Origins whose pages may call the API (`ALLOWED_ORIGINS`, none).
    pub allowed_origins: AllowedOrigins,
    /// The values of the header `x-sightline-origin` that show that a request came through the site (`ORIGIN_SECRETS`, no
    /// check).
    pub origin_secrets: OriginSecrets,
    /// The id of the Cognito identity pool whose guests may use the API under `/guest` (`GUEST_IDENTITY_POOL`, no guests).
    pub guest_identity_pool: Option<String>,
    /// The settings for analysing images in requests.
    pub settings: Settings,
}

impl UploadApiConfig {
    /// Reads the configuration.
    ///
    /// # Errors
    /// [`ConfigError`] names the first variable that is missing or wrong.
    pub fn read(lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        let analyses = analyses(lookup)?;
        let access = Access::read(lookup)?;
        Ok(Self {
            buckets: Buckets::read(lookup)?,
            access,
            settings: settings(lookup, &analyses)?,
            analyses,
            max_upload_bytes: number(
                lookup,
                "MAX_UPLOAD_BYTES",
                15 * 1024 * 1024,
                (1, MAX_PUT_BYTES),
                "a number of bytes from 1 to 5368709120 (5 GiB), such as 15728640",
            )?,
            upload_url_seconds: number(
                lookup,
                "UPLOAD_URL_SECONDS",
                300,
                // A URL signed with a role's credentials expires with the role's session.
                (1, 900),
                "a number of seconds from 1 to 900, such as 300",
            )?,
            result_url_seconds: number(
                lookup,
                "RESULT_URL_SECONDS",
                900,
                // Signature Version 4 allows seven days (Amazon S3 API Reference, "Authenticating requests: query parameters").
                (1, 604_800),
                "a number of seconds from 1 to 604800 (7 days), such as 900",
            )?,
            image_requests: switch(lookup, "IMAGE_REQUESTS", true)?,
            delete_versions: switch(lookup, "DELETE_VERSIONS", false)?,
            allowed_origins: lookup("ALLOWED_ORIGINS")
                .map_or(Ok(AllowedOrigins::default()), |list| list.parse())?,
            origin_secrets: OriginSecrets::read(lookup)?,
            guest_identity_pool: guest_identity_pool(lookup, access)?,
        })
    }
}

/// The values of the header `x-sightline-origin` that the API accepts. Empty if the header is not checked.
///
/// [`fmt::Debug`] and errors never show a value.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct OriginSecrets(Vec<String>);

impl OriginSecrets {
    fn read(lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        // An empty value is wrong: a mistake must not switch the check off.
        let Some(list) = lookup("ORIGIN_SECRETS") else {
            return Ok(Self::default());
        };
        list.split(',')
            .map(str::trim)
            .map(|secret| {
                let problem = if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
                    "has a value with a character that is not visible ASCII".to_owned()
                } else if !(16..=256).contains(&secret.len()) {
                    format!("has a value of {} characters", secret.len())
                } else {
                    return Ok(secret.to_owned());
                };
                Err(ConfigError {
                    variable: "ORIGIN_SECRETS",
                    problem,
                    takes: "one or more secrets, separated by commas, each of 16 to 256 visible ASCII characters; leave it out for no check",
                })
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The accepted values.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether no header is required.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for OriginSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OriginSecrets({})", self.0.len())
    }
}

/// Reads `GUEST_IDENTITY_POOL`. Guests have images of their own, so they need `ACCESS=owner`.
fn guest_identity_pool(lookup: Lookup<'_>, access: Access) -> Result<Option<String>, ConfigError> {
    const VARIABLE: &str = "GUEST_IDENTITY_POOL";
    let Some(pool) = lookup(VARIABLE) else {
        return Ok(None);
    };
    if !is_identity_id(&pool) {
        return Err(wrong(
            VARIABLE,
            &pool,
            "the id of a Cognito identity pool, such as eu-west-1:0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11; leave it out for no guests",
        ));
    }
    if access != Access::Owner {
        return Err(ConfigError {
            variable: VARIABLE,
            problem: format!("is set although ACCESS is {}", access.name()),
            takes: "an identity pool only with ACCESS=owner, because guests see only their own images",
        });
    }
    Ok(Some(pool))
}

/// The configuration of the processor.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessorConfig {
    /// The buckets.
    pub buckets: Buckets,
    /// The analyses that an uploader may request, and the default if the uploader requests none (`ANALYSES`).
    pub analyses: Analyses,
    /// The settings for analysing images.
    pub settings: Settings,
}

impl ProcessorConfig {
    /// Reads the configuration.
    ///
    /// # Errors
    /// [`ConfigError`] names the first variable that is missing or wrong.
    pub fn read(lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        let analyses = analyses(lookup)?;
        Ok(Self {
            buckets: Buckets::read(lookup)?,
            settings: settings(lookup, &analyses)?,
            analyses,
        })
    }
}

/// The DynamoDB table of the index (`INDEX_TABLE`); `None` if there is no index.
///
/// # Errors
/// [`ConfigError`] if the name is not valid (Amazon DynamoDB Developer Guide, "Naming rules").
pub fn index_table(lookup: Lookup<'_>) -> Result<Option<String>, ConfigError> {
    let Some(name) = lookup("INDEX_TABLE").filter(|name| !name.is_empty()) else {
        return Ok(None);
    };
    let is_valid = (3..=255).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
    if is_valid {
        Ok(Some(name))
    } else {
        Err(wrong(
            "INDEX_TABLE",
            &name,
            "the name of a DynamoDB table, 3 to 255 characters of a-z, A-Z, 0-9, '_', '.' and '-'; leave it out for no index",
        ))
    }
}

/// Which lists the index has: with `ACCESS=owner`, nobody can list the images of everybody.
///
/// # Errors
/// [`ConfigError`] if `ACCESS` is wrong.
pub fn index_lists(lookup: Lookup<'_>) -> Result<Lists, ConfigError> {
    Ok(match Access::read(lookup)? {
        Access::Owner => Lists::PerOwner,
        Access::Open | Access::Unlisted => Lists::All,
    })
}

/// The namespace of the metrics in CloudWatch (`METRICS_NAMESPACE`, `Sightline`).
///
/// # Errors
/// [`ConfigError`] if the name is not valid (Amazon CloudWatch User Guide, "Namespaces").
pub fn metrics_namespace(lookup: Lookup<'_>) -> Result<String, ConfigError> {
    let Some(name) = lookup("METRICS_NAMESPACE").filter(|name| !name.is_empty()) else {
        return Ok("Sightline".to_owned());
    };
    let is_valid = name.len() <= 255
        && !name.starts_with([':', ' '])
        && !name.starts_with("AWS/")
        && name.bytes().all(|b| {
            b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'/' | b'#' | b':' | b' ')
        });
    if is_valid {
        Ok(name)
    } else {
        Err(wrong(
            "METRICS_NAMESPACE",
            &name,
            "a namespace for CloudWatch metrics, such as Sightline/prod: at most 255 characters of a-z, A-Z, 0-9, '.', '-', '_', '/', '#', ':' and space; it must not begin with AWS/, a colon or a space",
        ))
    }
}

/// Origins whose pages may call the API.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum AllowedOrigins {
    /// No other origin.
    #[default]
    None,
    /// Every origin.
    Any,
    /// These origins, as browsers send them: scheme, host and, unless it is the default, port.
    List(Vec<String>),
}

/// `*`, or origins separated by commas; empty for none.
impl FromStr for AllowedOrigins {
    type Err = ConfigError;

    fn from_str(list: &str) -> Result<Self, Self::Err> {
        match list.trim() {
            "" => Ok(Self::None),
            "*" => Ok(Self::Any),
            list => list
                .split(',')
                .map(str::trim)
                .map(|origin| {
                    let host = origin
                        .strip_prefix("https://")
                        .or_else(|| origin.strip_prefix("http://"));
                    match host {
                        Some(host) if !host.is_empty() && !host.contains(['/', '*', ' ', '?', '#']) => {
                            Ok(origin.to_owned())
                        }
                        _ => Err(wrong(
                            "ALLOWED_ORIGINS",
                            origin,
                            "* or a comma-separated list of origins, such as https://pictures.example.com,http://localhost:3000",
                        )),
                    }
                })
                .collect::<Result<_, _>>()
                .map(Self::List),
        }
    }
}

fn analyses(lookup: Lookup<'_>) -> Result<Analyses, ConfigError> {
    match lookup("ANALYSES") {
        None => Ok(Analyses::from_iter([
            Analysis::Labels,
            Analysis::ImageProperties,
        ])),
        Some(list) => list.parse().map_err(|_| {
            wrong(
                "ANALYSES",
                &list,
                "a comma-separated list of labels, image-properties, faces, text, moderation, celebrities, ppe and custom-labels",
            )
        }),
    }
}

fn settings(lookup: Lookup<'_>, analyses: &Analyses) -> Result<Settings, ConfigError> {
    const ARN: &str = "the ARN of a running model version, such as arn:aws:rekognition:eu-west-1:111122223333:project/shelves/version/shelves.2026-01-01/1767225600000";
    const PER_OWNER: &str = "MAX_DAILY_ANALYSES_PER_OWNER";
    let default = Settings::default();
    let settings = Settings {
        min_confidence: number(
            lookup,
            "MIN_CONFIDENCE",
            default.min_confidence,
            (0.0, 100.0),
            "a percentage from 0 to 100, such as 55",
        )?,
        max_labels: number(
            lookup,
            "MAX_LABELS",
            default.max_labels,
            (1, 1000),
            "a number from 1 to 1000, such as 100",
        )?,
        custom_labels_arn: lookup("CUSTOM_LABELS_ARN").filter(|arn| !arn.is_empty()),
        thumbnail_px: number(
            lookup,
            "THUMBNAIL_PX",
            default.thumbnail_px,
            (0, 1024),
            "a number of pixels from 1 to 1024, such as 320, or 0 for no thumbnails",
        )?,
        preview_px: number(
            lookup,
            "PREVIEW_PX",
            default.preview_px,
            (0, 4096),
            "a number of pixels from 1 to 4096, such as 1440, or 0 for no previews",
        )?,
        max_daily_analyses: limit(lookup, "MAX_DAILY_ANALYSES")?,
        max_daily_analyses_per_owner: limit(lookup, PER_OWNER)?,
    };
    if settings.max_daily_analyses_per_owner.is_some() && index_table(lookup)?.is_none() {
        return Err(ConfigError {
            variable: PER_OWNER,
            problem: "is set although INDEX_TABLE is not".to_owned(),
            takes: "a number of analyses only with INDEX_TABLE, because the table has the counts",
        });
    }
    match &settings.custom_labels_arn {
        None if analyses.contains(Analysis::CustomLabels) => Err(ConfigError {
            variable: "CUSTOM_LABELS_ARN",
            problem: "is not set although ANALYSES names custom-labels".to_owned(),
            takes: ARN,
        }),
        Some(arn)
            if !(arn.starts_with("arn:")
                && arn.contains(":rekognition:")
                && arn.contains("/version/")) =>
        {
            Err(wrong("CUSTOM_LABELS_ARN", arn, ARN))
        }
        _ => Ok(settings),
    }
}

/// A limit on analyses; `None` if the variable is not set.
fn limit(lookup: Lookup<'_>, variable: &'static str) -> Result<Option<u64>, ConfigError> {
    const TAKES: &str = "a number of analyses, such as 10000; leave it out for no limit";
    lookup(variable)
        .map(|_| number(lookup, variable, 0, (0, u64::MAX), TAKES))
        .transpose()
}

fn switch(lookup: Lookup<'_>, variable: &'static str, default: bool) -> Result<bool, ConfigError> {
    match lookup(variable) {
        None => Ok(default),
        Some(value) => match value.trim() {
            "on" => Ok(true),
            "off" => Ok(false),
            _ => Err(wrong(variable, &value, "on or off")),
        },
    }
}

fn required(
    lookup: Lookup<'_>,
    variable: &'static str,
    takes: &'static str,
) -> Result<String, ConfigError> {
    lookup(variable)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| ConfigError {
            variable,
            problem: "is not set".to_owned(),
            takes,
        })
}

/// A variable that is `on` or `off`, the default.
fn number<N: FromStr + PartialOrd + Display + Copy>(
    lookup: Lookup<'_>,
    variable: &'static str,
    default: N,
    (least, most): (N, N),
    takes: &'static str,
) -> Result<N, ConfigError> {
    let Some(value) = lookup(variable) else {
        return Ok(default);
    };
    value
        .trim()
        .parse()
        .ok()
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| wrong(variable, &value, takes))
}

fn wrong(variable: &'static str, value: &str, takes: &'static str) -> ConfigError {
    ConfigError {
        variable,
        problem: format!("is {value:?}"),
        takes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        move |variable| {
            pairs
                .iter()
                .find(|(name, _)| *name == variable)
                .map(|(_, value)| (*value).to_owned())
        }
    }

    const BUCKETS: [(&str, &str); 2] = [("INPUT_BUCKET", "in-put"), ("OUTPUT_BUCKET", "out.put")];

    fn with<'a>(extra: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        extra.iter().chain(&BUCKETS).copied().collect()
    }

    #[test]
    fn the_buckets_are_the_only_required_variables() {
        let api = UploadApiConfig::read(&lookup(&BUCKETS)).unwrap();
        assert_eq!(api.analyses.to_string(), "labels,image-properties");
        assert_eq!(api.max_upload_bytes, 15_728_640);
        assert_eq!(api.upload_url_seconds, 300);
        assert_eq!(api.allowed_origins, AllowedOrigins::None);
        assert_eq!(api.access, Access::Unlisted);
        assert!(api.image_requests);
        let processor = ProcessorConfig::read(&lookup(&BUCKETS)).unwrap();
        assert_eq!(processor.settings, Settings::default());
    }

    #[test]
    fn an_error_is_one_line_that_names_the_variable() {
        for (variable, value) in [
            ("INPUT_BUCKET", ""),
            ("INPUT_BUCKET", "Big_Bucket"),
            ("OUTPUT_BUCKET", "in-put"),
            ("ANALYSES", "labels,cats"),
            ("MAX_UPLOAD_BYTES", "0"),
            ("MAX_UPLOAD_BYTES", "15MB"),
            ("ACCESS", ""),
            ("ACCESS", "everybody"),
            ("IMAGE_REQUESTS", "no"),
            ("UPLOAD_URL_SECONDS", "901"),
            ("RESULT_URL_SECONDS", "-1"),
            ("ALLOWED_ORIGINS", "pictures.example.com"),
            ("ALLOWED_ORIGINS", "https://a.example/page"),
        ] {
            let pairs = with(&[(variable, value)]);
            let error = UploadApiConfig::read(&lookup(&pairs)).unwrap_err();
            assert_eq!(error.variable, variable, "{value:?}");
            assert!(!error.to_string().contains('\n'));
        }
        for (variable, value) in [
            ("MIN_CONFIDENCE", "101"),
            ("MIN_CONFIDENCE", "NaN"),
            ("MAX_LABELS", "0"),
            ("THUMBNAIL_PX", "1025"),
            ("MAX_DAILY_ANALYSES", "many"),
            ("MAX_DAILY_ANALYSES", ""),
            ("CUSTOM_LABELS_ARN", "shelves"),
        ] {
            let pairs = with(&[(variable, value)]);
            let error = ProcessorConfig::read(&lookup(&pairs)).unwrap_err();
            assert_eq!(error.variable, variable, "{value:?}");
        }
        let pairs = with(&[("ANALYSES", "custom-labels")]);
        assert_eq!(
            ProcessorConfig::read(&lookup(&pairs)).unwrap_err().variable,
            "CUSTOM_LABELS_ARN"
        );
    }

    #[test]
    fn origin_secrets_are_checked_and_never_shown() {
        let read = |list: &str| {
            let pairs = with(&[("ORIGIN_SECRETS", list)]);
            UploadApiConfig::read(&lookup(&pairs))
        };
        let none = UploadApiConfig::read(&lookup(&with(&[]))).unwrap();
        assert!(none.origin_secrets.is_empty());
        let (one, other) = ("first-secret-0123456789", "second-secret-0123456789");
        let config = read(&format!("{one},{other}")).unwrap();
        let values: Vec<_> = config.origin_secrets.values().collect();
        assert_eq!(values, [one, other]);
        let shown = format!("{config:?}");
        assert!(shown.contains("OriginSecrets(2)") && !shown.contains("secret-0123"));
        for wrong in [
            String::new(),
            " ".to_owned(),
            "shorty".to_owned(),
            format!("{one},"),
            format!("{one},short"),
            "a secret with several blanks".to_owned(),
            "k\u{e4}se-0123456789-0123456789".to_owned(),
            "x".repeat(257),
        ] {
            let error = read(&wrong).unwrap_err();
            assert_eq!(error.variable, "ORIGIN_SECRETS", "{wrong}");
            let text = error.to_string();
            for secret in wrong.split(',').filter(|secret| !secret.trim().is_empty()) {
                assert!(!text.contains(secret), "{text}");
            }
        }
    }

    #[test]
    fn guests_need_an_identity_pool_and_images_with_owners() {
        const POOL: &str = "eu-west-1:0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11";
        let read = |access, pool| {
            let pairs = with(&[("ACCESS", access), ("GUEST_IDENTITY_POOL", pool)]);
            UploadApiConfig::read(&lookup(&pairs)).map(|config| config.guest_identity_pool)
        };
        assert_eq!(read("owner", POOL).unwrap().as_deref(), Some(POOL));
        for (access, pool) in [
            ("owner", ""),
            ("owner", "pool"),
            ("unlisted", POOL),
            ("open", POOL),
        ] {
            let error = read(access, pool).unwrap_err();
            assert_eq!(error.variable, "GUEST_IDENTITY_POOL");
        }
    }

    #[test]
    fn the_limit_of_owners_needs_the_table_that_counts() {
        let read = |pairs: &[(&str, &str)]| {
            let config = ProcessorConfig::read(&lookup(&with(pairs)));
            config.map(|config| config.settings.max_daily_analyses_per_owner)
        };
        let limit = ("MAX_DAILY_ANALYSES_PER_OWNER", "100");
        assert_eq!(read(&[limit, ("INDEX_TABLE", "table")]), Ok(Some(100)));
        assert_eq!(read(&[]), Ok(None));
        for wrong in [
            &[limit][..],
            &[("MAX_DAILY_ANALYSES_PER_OWNER", "many")],
            &[limit, ("INDEX_TABLE", "")],
        ] {
            let error = read(wrong).unwrap_err();
            assert_eq!(error.variable, "MAX_DAILY_ANALYSES_PER_OWNER");
        }
    }

    #[test]
    fn versions_are_deleted_if_that_is_switched_on() {
        for (value, expected) in [("on", true), ("off", false)] {
            let pairs = with(&[("DELETE_VERSIONS", value)]);
            let config = UploadApiConfig::read(&lookup(&pairs)).unwrap();
            assert_eq!(config.delete_versions, expected, "{value}");
        }
        let config = UploadApiConfig::read(&lookup(&BUCKETS)).unwrap();
        assert!(!config.delete_versions);
        let pairs = with(&[("DELETE_VERSIONS", "yes")]);
        let error = UploadApiConfig::read(&lookup(&pairs)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "DELETE_VERSIONS is \"yes\"; it takes on or off"
        );
    }

    #[test]
    fn access_is_read_by_name() {
        for access in Access::ALL {
            let pairs = with(&[("ACCESS", access.name())]);
            let config = UploadApiConfig::read(&lookup(&pairs)).unwrap();
            assert_eq!(config.access, access);
        }
    }

    #[test]
    fn namespaces_are_checked() {
        let namespace = |name: &str| metrics_namespace(&lookup(&[("METRICS_NAMESPACE", name)]));
        assert_eq!(metrics_namespace(&lookup(&[])).unwrap(), "Sightline");
        assert_eq!(namespace("Sightline/prod").unwrap(), "Sightline/prod");
        for wrong in ["AWS/Lambda", ":a", "a\nb", "é", &"a".repeat(256)] {
            let error = namespace(wrong).unwrap_err().to_string();
            assert!(error.contains("METRICS_NAMESPACE"), "{error}");
        }
    }

    #[test]
    fn the_index_table_is_optional_and_checked() {
        let table = |name: &str| index_table(&lookup(&[("INDEX_TABLE", name)]));
        assert_eq!(index_table(&lookup(&[])), Ok(None));
        assert_eq!(table(""), Ok(None));
        assert_eq!(table("Sight_line-1.x"), Ok(Some("Sight_line-1.x".into())));
        for name in ["ab", "a b c", "arn:aws:dynamodb", &"x".repeat(256)] {
            let error = table(name).unwrap_err();
            assert_eq!(error.variable, "INDEX_TABLE");
        }
    }

    #[test]
    fn origins_are_read_as_browsers_send_them() {
        assert_eq!("*".parse(), Ok(AllowedOrigins::Any));
        assert_eq!(
            "https://a.example, http://localhost:3000".parse(),
            Ok(AllowedOrigins::List(vec![
                "https://a.example".into(),
                "http://localhost:3000".into()
            ]))
        );
    }
}
