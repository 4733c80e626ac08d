//! The SDK clients of the two functions, for the AWS endpoint in this process.
//!
//! Their configuration comes from here alone, and not from profiles, variables or proxies of the machine. So keys for AWS
//! never reach the endpoint, and requests for the endpoint never reach AWS.

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use sightline_aws::{self as aws, Clients, SqsVisibility};
use sightline_local_aws::Credentials;
use std::time::Duration;

/// For one attempt. Long, because requests wait here for a free core.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// For all attempts of one call.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// Clients for the endpoint at this URL. They sign URLs for it, too.
pub(crate) fn clients(endpoint: &str, region: &str, credentials: &Credentials) -> Clients {
    aws::clients(&sdk_config(endpoint, region, credentials))
}

/// Sets when messages of the endpoint's queue come again.
pub(super) fn message_visibility(
    endpoint: &str,
    region: &str,
    credentials: &Credentials,
) -> SqsVisibility {
    aws::message_visibility(&sdk_config(endpoint, region, credentials))
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
        // The default client reads proxies from the environment and certificates from the disk.
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
