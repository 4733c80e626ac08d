//! Builds the clients, once per process.

use std::time::Duration;

use aws_config::{
    BehaviorVersion, Region, SdkConfig, environment::EnvironmentVariableCredentialsProvider,
    retry::RetryConfig, timeout::TimeoutConfig,
};
use sightline_pipeline::index::Lists;

use crate::{
    dynamo::DynamoIndex, https, presigner::S3Presigner, rekognition::RekognitionRecogniser,
    s3_store::S3Store, sqs_visibility::SqsVisibility,
};

/// For a server in the same region, far more than a connection takes.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// For one attempt. Rekognition first reads up to 15 MB from S3, which takes seconds.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(20);
/// For all attempts of one call together, including the pauses.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(45);

/// The ports over one set of SDK clients. Cloning is cheap and shares connections.
#[derive(Debug, Clone)]
pub struct Clients {
    /// The buckets.
    pub store: S3Store,
    /// Presigned URLs.
    pub presigner: S3Presigner,
    /// Rekognition.
    pub recogniser: RekognitionRecogniser,
}

/// Reads the SDK's configuration from the usual sources: environment, profile, role.
///
/// All clients share one set of connections and one TLS configuration.
///
/// By default, a call has three attempts (`AWS_MAX_ATTEMPTS`) with exponential back-off and jitter; see [`clients`].
pub async fn load() -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(https::client());
    let variable = |name: &str| {
        std::env::var(name)
            .ok()
            .filter(|value| !value.trim().is_empty())
    };
    // The environment goes before all other sources, and Lambda sets it. The SDK's own chain builds all the others, a client of STS
    // among them, before it asks the first one.
    let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    if names.iter().all(|name| variable(name).is_some()) {
        loader = loader.credentials_provider(EnvironmentVariableCredentialsProvider::new());
    }
    if let Some(region) = variable("AWS_REGION") {
        loader = loader.region(Region::new(region));
    }
    loader.load().await
}

/// Builds the ports' adapters. It sets the time-outs that the configuration does not set. With an endpoint
/// override (`AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_S3`, or one set in code), S3 URLs are path-style,
/// because `<bucket>.localhost` does not resolve.
///
/// Unless `AWS_RETRY_MODE` is set, the recogniser's client uses the SDK's adaptive mode: after throttling, it
/// sends more slowly until its calls succeed again. The buckets' client does not, because S3 throttles
/// each prefix separately and the client would slow down for all of them (AWS SDKs and Tools Reference Guide, "Retry
/// behavior", recommends adaptive mode only for clients of one resource).
#[must_use]
pub fn clients(sdk: &SdkConfig) -> Clients {
    let timeouts = timeouts(sdk);
    let s3 = aws_sdk_s3::Client::from_conf(s3_config(sdk).timeout_config(timeouts.clone()).build());
    let rekognition = aws_sdk_rekognition::Client::from_conf(
        aws_sdk_rekognition::config::Builder::from(sdk)
            .timeout_config(timeouts)
            .retry_config(recogniser_retries(sdk))
            .build(),
    );
    Clients {
        store: S3Store::new(s3.clone()),
        presigner: S3Presigner::new(s3, sdk.credentials_provider()),
        recogniser: RekognitionRecogniser::new(rekognition),
    }
}

/// The configuration of every S3 client: an endpoint override means path-style addresses.
#[must_use]
pub fn s3_config(sdk: &SdkConfig) -> aws_sdk_s3::config::Builder {
    let path_style =
        sdk.endpoint_url().is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some();
    aws_sdk_s3::config::Builder::from(sdk).force_path_style(path_style)
}

/// The index in this table, with these lists and the same time-outs.
#[must_use]
pub fn index(sdk: &SdkConfig, table: impl Into<String>, lists: Lists) -> DynamoIndex {
    let client = aws_sdk_dynamodb::Client::from_conf(
        aws_sdk_dynamodb::config::Builder::from(sdk)
            .timeout_config(timeouts(sdk))
            .build(),
    );
    DynamoIndex::new(client, table, lists)
}

/// The queues' message visibility, with the same time-outs.
#[must_use]
pub fn message_visibility(sdk: &SdkConfig) -> SqsVisibility {
    let client = aws_sdk_sqs::Client::from_conf(
        aws_sdk_sqs::config::Builder::from(sdk)
            .timeout_config(timeouts(sdk))
            .build(),
    );
    SqsVisibility::new(client)
}

fn timeouts(sdk: &SdkConfig) -> TimeoutConfig {
    let mut timeouts = sdk
        .timeout_config()
        .cloned()
        .unwrap_or_else(|| TimeoutConfig::builder().build());
    timeouts.take_defaults_from(
        &TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(OPERATION_TIMEOUT)
            .build(),
    );
    timeouts
}

fn recogniser_retries(sdk: &SdkConfig) -> RetryConfig {
    let configured = sdk
        .retry_config()
        .cloned()
        .unwrap_or_else(RetryConfig::standard);
    if std::env::var_os("AWS_RETRY_MODE").is_some() || !configured.has_retry() {
        configured
    } else {
        RetryConfig::adaptive().with_max_attempts(configured.max_attempts())
    }
}
