//! The processor as the handler of the poller's batches.

use serde_json::Value;
use sightline_aws::{RekognitionRecogniser, S3Store, SqsVisibility};
use sightline_pipeline::{config::ProcessorConfig, index::SqliteIndex};
use sightline_processor::{Invocation, Options, Processor};
use sightline_upload_api::AnnouncedIndex;
use uuid::Uuid;

use super::batch::{FailureReasons, Handler, TIME_LIMIT};

/// The processor of the Lambda function, with the AWS endpoint in this process.
pub(super) struct LocalProcessor(
    Processor<S3Store, RekognitionRecogniser, AnnouncedIndex<SqliteIndex>, SqsVisibility>,
);

impl LocalProcessor {
    /// A processor with these ports. Only one process can use the data folder, so there is no other processor.
    pub(super) fn new(
        config: ProcessorConfig,
        store: S3Store,
        recogniser: RekognitionRecogniser,
        index: AnnouncedIndex<SqliteIndex>,
        visibility: SqsVisibility,
    ) -> Self {
        let options = Options {
            sole_worker: true,
            ..Options::default()
        };
        let processor = Processor::new(config, store, recogniser, options);
        Self(
            processor
                .with_index(Some(index))
                .with_visibility(visibility),
        )
    }
}

impl Handler for LocalProcessor {
    async fn handle(&self, event: Value) -> Result<(Value, FailureReasons), String> {
        let invocation = Invocation {
            request_id: Uuid::new_v4().to_string(),
            time_left: TIME_LIMIT,
        };
        self.0
            .handle_with_reasons(event, &invocation)
            .await
            .map_err(|error| error.to_string())
    }
}
