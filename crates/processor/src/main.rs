//! Lambda 2: reads the configuration, builds the clients and runs the processor.

// The types of the SDK's futures are nested deeply.
#![recursion_limit = "256"]

use std::{
    process::ExitCode,
    sync::Arc,
    time::{Duration, SystemTime},
};

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::Value;
use sightline_aws as aws;
use sightline_pipeline::{
    config::{self, ProcessorConfig, environment},
    logging, metrics, owner_limit,
    prepare::default_concurrency,
};
use sightline_processor::{Invocation, Options, Processor};

/// The time for an invocation without a deadline in the future. Emulators send such invocations.
const WITHOUT_DEADLINE: Duration = Duration::from_secs(60);

// One thread of the runtime: nearly all of the work is waiting for answers. Images are prepared on threads of their own.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sightline-processor: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    let config = ProcessorConfig::read(&environment)?;
    let index_table = config::index_table(&environment)?;
    let lists = config::index_lists(&environment)?;
    let namespace = config::metrics_namespace(&environment)?;
    anyhow::ensure!(
        std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some(),
        "AWS_LAMBDA_RUNTIME_API is not set. This program is a Lambda function; run it on AWS Lambda or with `cargo lambda watch`, or use `sightline local` instead"
    );
    logging::start();
    metrics::enable_cloudwatch(namespace);
    let sdk = aws::load().await;
    let visibility = aws::message_visibility(&sdk);
    let index = index_table.map(|table| aws::index(&sdk, table, lists));
    let aws::Clients {
        store, recogniser, ..
    } = aws::clients(&sdk);
    let recogniser = owner_limit::limited(
        recogniser,
        store.clone(),
        &config.buckets.output,
        index.clone(),
        &config.settings,
    );
    let processor = Processor::new(
        config,
        store,
        recogniser,
        Options {
            prepare_concurrency: default_concurrency(
                environment("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").and_then(|mib| mib.parse().ok()),
            ),
            ..Options::default()
        },
    );
    let processor = Arc::new(processor.with_index(index).with_visibility(visibility));
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| {
        let processor = processor.clone();
        async move {
            let (event, context) = event.into_parts();
            let invocation = Invocation {
                time_left: context
                    .deadline()
                    .duration_since(SystemTime::now())
                    .ok()
                    .filter(|left| !left.is_zero())
                    .unwrap_or(WITHOUT_DEADLINE),
                request_id: context.request_id,
            };
            processor
                .handle(event, &invocation)
                .await
                .map_err(|error| Diagnostic {
                    error_type: error.name().to_owned(),
                    error_message: error.to_string(),
                })
        }
    }))
    .await
    .map_err(|error| anyhow::anyhow!(error))
}
