//! The upload API as a Lambda function: reads the configuration, builds the clients once, and calls the library.

use std::{process::ExitCode, sync::Arc};

use anyhow::ensure;
use sightline_aws as aws;
use sightline_pipeline::{
    config::{self, UploadApiConfig, environment},
    logging, metrics, owner_limit,
};
use sightline_upload_api::{Api, lambda, router};

// Lambda gives an instance one request at a time.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    logging::start();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sightline-upload-api: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    let config = UploadApiConfig::read(&environment)?;
    let index_table = config::index_table(&environment)?;
    let lists = config::index_lists(&environment)?;
    let namespace = config::metrics_namespace(&environment)?;
    ensure!(
        std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some(),
        "AWS_LAMBDA_RUNTIME_API is not set; this program runs on AWS Lambda. To serve the same API on one machine, use `sightline local`"
    );
    metrics::enable_cloudwatch(namespace);
    let sdk = aws::load().await;
    let clients = aws::clients(&sdk);
    let index = index_table.map(|table| aws::index(&sdk, table, lists));
    let recogniser = owner_limit::limited(
        clients.recogniser,
        clients.store.clone(),
        &config.buckets.output,
        index.clone(),
        &config.settings,
    );
    let api = Api::new(config, clients.store, clients.presigner, recogniser, index);
    lambda_http::run(lambda::service(router(Arc::new(api))))
        .await
        .map_err(anyhow::Error::from_boxed)
}
