//! The SDK clients of both functions, for the endpoint in this process and nothing else.
//!
//! The SDK's configuration is built here and not loaded: no profile, variable or proxy of the machine has a say, so
//! no key that is meant for AWS reaches the endpoint and nothing that is meant for the endpoint reaches AWS.

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use sightline_aws::{self as aws, Clients};
use sightline_local_aws::Credentials;
use std::time::Duration;

/// One try. Pictures wait here for a free core, so this is no measure of trouble as it is on AWS.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// All tries of one call together.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// Clients that talk to, and sign addresses for, the endpoint at `endpoint`, a full address.
pub(crate) fn clients(endpoint: &str, region: &str, credentials: &Credentials) -> Clients {
    aws::clients(&sdk_config(endpoint, region, credentials))
}

fn sdk_config(endpoint: &str, region: &str, credentials: &Credentials) -> SdkConfig {
    let credentials = aws_credential_types::Credentials::new(
        credentials.access_key_id.as_str(),
        credentials.secret_access_key.as_str(),
        None,
        None,
        "sightline-local",
    );
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        // The default client would read proxies from the environment and certificates from the disk.
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .retry_config(RetryConfig::standard())
        .timeout_config(
            TimeoutConfig::builder()
                .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                .operation_timeout(OPERATION_TIMEOUT)
                .build(),
        )
        .build()
}
