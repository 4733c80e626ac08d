//! Flows over the real programs: `sightline local` and the unmodified Lambda functions, driven by
//! curl, the AWS CLI, boto3, a stand-in for the Lambda runtime, and Chromium. `tests/run` installs what they need.

mod aws_clients;
mod browser;
mod cli_analyze;
mod cli_backfill;
mod cli_pictures;
mod cli_search;
mod cli_sources;
mod cli_upload;
mod crash;
mod erasure;
mod events;
mod faults;
mod generated_clients;
mod guests;
mod inline;
mod installed_models;
mod lambda;
mod library;
mod malformed;
#[path = "../needs.rs"]
mod needs;
mod permissions;
mod recognition;
mod replay;
mod retries;
mod serving;
mod walkthrough;
