//! Compares the permissions that a template grants to the functions with the calls that they make.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::Path,
    process::Command,
};

use anyhow::{Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::{root, run, wire::Request};

/// An action on a resource, as a call needs it or a policy grants it. In a grant, `*` stands for any characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// Such as `s3:GetObject`.
    pub action: String,
    /// An ARN, or `*`.
    pub resource: String,
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.action, self.resource)
    }
}

impl Permission {
    /// A permission for an action on a resource.
    pub fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            resource: resource.into(),
        }
    }

    /// Whether granting this allows a call that needs `needed`.
    #[must_use]
    pub fn allows(&self, needed: &Self) -> bool {
        matches_pattern(&self.action, &needed.action)
            && matches_pattern(&self.resource, &needed.resource)
    }
}

/// Whether a text matches a pattern in which `*` stands for any characters (IAM User Guide, "IAM JSON policy
/// elements: Resource").
fn matches_pattern(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    text.strip_prefix(start).is_some_and(|left| {
        (0..=left.len())
            .filter_map(|at| left.get(at..))
            .any(|tail| matches_pattern(rest, tail))
    })
}

/// The permissions that a request to S3 or Rekognition needs: those of the operations that the functions call (Amazon S3 User Guide,
/// "Required permissions for Amazon S3 API operations"). Any other request needs one that nobody has.
#[must_use]
pub fn needed_by(request: &Request) -> BTreeSet<Permission> {
    let version = |named: bool| if named { "Version" } else { "" };
    let operation = request.header("x-amz-target");
    if let Some(operation) = operation.and_then(|name| name.strip_prefix("RekognitionService.")) {
        let mut needed = BTreeSet::from([Permission::new(format!("rekognition:{operation}"), "*")]);
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        if let Some(object) = body.pointer("/Image/S3Object") {
            let member = |name| object.get(name).and_then(Value::as_str);
            let path = [member("Bucket"), member("Name")].map(Option::unwrap_or_default);
            needed.insert(Permission::new(
                format!("s3:GetObject{}", version(member("Version").is_some())),
                format!("arn:aws:s3:::{}", path.join("/")),
            ));
        }
        return needed;
    }
    let target = request.target();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = path.trim_matches('/');
    let has = |name: &str| {
        query
            .split('&')
            .any(|pair| pair.split('=').next() == Some(name))
    };
    let named = version(has("versionId"));
    let action = match (request.method(), path.contains('/')) {
        ("GET" | "HEAD", true) => format!("s3:GetObject{named}"),
        ("DELETE", true) => format!("s3:DeleteObject{named}"),
        ("PUT", true) => "s3:PutObject".to_owned(),
        ("GET" | "HEAD", false) if has("versions") => "s3:ListBucketVersions".to_owned(),
        ("GET" | "HEAD", false) => "s3:ListBucket".to_owned(),
        ("POST", false) if has("delete") => {
            let body = String::from_utf8_lossy(&request.body);
            return body
                .split("<Object>")
                .skip(1)
                .map(|object| {
                    let named = version(object.contains("<VersionId>"));
                    let key = object.split(['<', '>']).nth(2).unwrap_or_default();
                    Permission::new(
                        format!("s3:DeleteObject{named}"),
                        format!("arn:aws:s3:::{path}/{key}"),
                    )
                })
                .collect();
        }
        (method, _) => format!("unknown:{method}"),
    };
    BTreeSet::from([Permission::new(action, format!("arn:aws:s3:::{path}"))])
}

/// The needed permissions that no grant allows.
#[must_use]
pub fn missing<'a>(
    granted: &[Permission],
    needed: &'a BTreeSet<Permission>,
) -> Vec<&'a Permission> {
    needed
        .iter()
        .filter(|needed| !granted.iter().any(|grant| grant.allows(needed)))
        .collect()
}

/// The grants that no call needs.
#[must_use]
pub fn unused<'a>(granted: &'a [Permission], needed: &BTreeSet<Permission>) -> Vec<&'a Permission> {
    granted
        .iter()
        .filter(|grant| !needed.iter().any(|needed| grant.allows(needed)))
        .collect()
}

/// A function in the template.
#[derive(Debug, Deserialize)]
pub struct DeployedFunction {
    /// Its environment variables.
    pub environment: BTreeMap<String, String>,
    statements: Vec<Statement>,
}

/// A role in the template that belongs to no function.
#[derive(Debug, Deserialize)]
pub struct DeployedRole {
    statements: Vec<Statement>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    effect: String,
    action: Vec<String>,
    resource: Vec<String>,
}

impl DeployedFunction {
    /// Every action on every resource that its role's policies allow.
    ///
    /// # Errors
    /// If a policy has a `Deny` statement, which this does not support.
    pub fn granted(&self) -> Result<Vec<Permission>> {
        granted(&self.statements)
    }
}

impl DeployedRole {
    /// Every action on every resource that the role's policies allow.
    ///
    /// # Errors
    /// If a policy has a `Deny` statement, which this does not support.
    pub fn granted(&self) -> Result<Vec<Permission>> {
        granted(&self.statements)
    }
}

fn granted(statements: &[Statement]) -> Result<Vec<Permission>> {
    let mut granted = Vec::new();
    for statement in statements {
        ensure!(
            statement.effect == "Allow",
            "Deny statements are not supported"
        );
        for action in &statement.action {
            for resource in &statement.resource {
                granted.push(Permission::new(action, resource));
            }
        }
    }
    Ok(granted)
}

/// Both functions, and the index table's parameters for DynamoDB's `CreateTable`.
#[derive(Debug, Deserialize)]
pub struct Deployed {
    /// The functions.
    pub functions: Functions,
    /// The role of guests. `None` without guests.
    #[serde(default)]
    pub guests: Option<DeployedRole>,
    /// Parameters of `CreateTable`. `None` without an index.
    pub table: Option<Value>,
}

/// The two functions.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Functions {
    /// The upload API.
    pub upload_api: DeployedFunction,
    /// The processor.
    pub processor: DeployedFunction,
}

/// Synthesises the stack with these options (`name=value`) and returns its functions.
///
/// # Errors
/// If synthesis fails.
pub fn deployed(options: &[&str]) -> Result<Deployed> {
    let cdk = root().join("cdk");
    ensure!(
        cdk.join("node_modules").is_dir(),
        "run `npm ci` in cdk/ first, as tests/run does"
    );
    let output = run(Command::new(Path::new("node_modules/.bin/tsx"))
        .arg("bin/policies.ts")
        .args(options)
        .current_dir(cdk))?;
    Ok(serde_json::from_str(&output)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, text, expected) in [
            ("*", "", true),
            (
                "arn:aws:s3:::in/uploads/*",
                "arn:aws:s3:::in/uploads/a/b",
                true,
            ),
            (
                "arn:aws:s3:::in/uploads/*",
                "arn:aws:s3:::in/inline/a",
                false,
            ),
            ("arn:aws:s3:::in", "arn:aws:s3:::input", false),
            ("a*c*e", "abcde", true),
            ("a*c*e", "abcdef", false),
        ] {
            assert_eq!(matches_pattern(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn requests_need_the_permissions_of_their_operation() {
        let needed = |head: &str, body: &str| {
            let request = Request {
                head: format!("{head} HTTP/1.1\r\nhost: a\r\n\r\n"),
                body: body.as_bytes().to_vec(),
            };
            let needed = needed_by(&request).into_iter();
            needed
                .map(|permission| permission.to_string())
                .collect::<Vec<_>>()
        };
        for (head, expected) in [
            (
                "GET /in/a/b?x-id=GetObject",
                "s3:GetObject on arn:aws:s3:::in/a/b",
            ),
            (
                "HEAD /in/a?versionId=v",
                "s3:GetObjectVersion on arn:aws:s3:::in/a",
            ),
            (
                "DELETE /in/a?versionId=v",
                "s3:DeleteObjectVersion on arn:aws:s3:::in/a",
            ),
            (
                "GET /in?versions&prefix=a",
                "s3:ListBucketVersions on arn:aws:s3:::in",
            ),
            ("GET /in?list-type=2", "s3:ListBucket on arn:aws:s3:::in"),
            ("PATCH /in", "unknown:PATCH on arn:aws:s3:::in"),
        ] {
            assert_eq!(needed(head, ""), [expected], "{head}");
        }
        let body = "<Delete><Object><Key>a</Key><VersionId>v</VersionId></Object><Object><Key>b</Key></Object></Delete>";
        assert_eq!(
            needed("POST /in?delete", body),
            [
                "s3:DeleteObject on arn:aws:s3:::in/b",
                "s3:DeleteObjectVersion on arn:aws:s3:::in/a"
            ]
        );
    }

    #[test]
    fn finds_missing_and_unused_permissions() {
        let needed = BTreeSet::from([
            Permission::new("s3:GetObject", "b/x/1"),
            Permission::new("s3:PutObject", "b/y/1"),
        ]);
        let granted = [
            Permission::new("s3:GetObject", "b/x/*"),
            Permission::new("s3:GetObject", "b/y/*"),
        ];
        assert_eq!(
            missing(&granted, &needed),
            [&Permission::new("s3:PutObject", "b/y/1")]
        );
        assert_eq!(
            unused(&granted, &needed),
            [&Permission::new("s3:GetObject", "b/y/*")]
        );
    }
}
