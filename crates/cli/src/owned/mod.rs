//! Everything that is stored for one owner, for `erase` and `export`.

mod stored;

use clap::Args;
use sightline_aws::{DynamoIndex, S3Store};
use sightline_pipeline::{
    Owner,
    config::Buckets,
    index::{Lists, SqliteIndex},
};

use crate::{aws, data_dir::DataDir, exit::CliError, output};

pub(crate) use stored::{Parts, Stored};

/// Whose data, and where it is.
#[derive(Debug, Clone, Args)]
pub(crate) struct OwnedArgs {
    /// Id of the person: the claim `sub` of their tokens
    #[arg(long, value_name = "SUB", value_parser = owner)]
    pub(crate) owner: Owner,

    /// Bucket with the pictures
    #[arg(
        long,
        env = "INPUT_BUCKET",
        value_name = "BUCKET",
        default_value = "sightline-input"
    )]
    input_bucket: String,

    /// Bucket with the results
    #[arg(
        long,
        env = "OUTPUT_BUCKET",
        value_name = "BUCKET",
        default_value = "sightline-output"
    )]
    output_bucket: String,

    /// DynamoDB table of the index; by default the index of the local mode
    #[arg(long, env = "INDEX_TABLE", value_name = "TABLE")]
    index_table: Option<String>,

    #[command(flatten)]
    data_dir: DataDir,
}

fn owner(subject: &str) -> Result<Owner, String> {
    Owner::from_subject(subject).map_err(|error| error.to_string())
}

/// The index of a deployment or of the local mode.
pub(crate) enum Index {
    Dynamo(DynamoIndex),
    Sqlite(SqliteIndex),
}

/// The buckets and the index.
pub(crate) struct Place {
    pub(crate) sdk: aws_config::SdkConfig,
    pub(crate) store: S3Store,
    pub(crate) buckets: Buckets,
    pub(crate) index: Index,
}

impl OwnedArgs {
    /// Opens the buckets and the index.
    ///
    /// # Errors
    /// When no region or no index is chosen, or the index cannot be opened.
    pub(crate) async fn open(&self) -> anyhow::Result<Place> {
        let (sdk, _) = aws::load().await?;
        let index = match &self.index_table {
            // Only a deployment where images have owners has a table.
            Some(table) => Index::Dynamo(sightline_aws::index(&sdk, table, Lists::PerOwner)),
            None if sdk.endpoint_url().is_none() => {
                return Err(CliError::Usage(
                    "no index is chosen; set --index-table (or INDEX_TABLE) to its DynamoDB table, or, for the local mode, \
                     use the lines that `sightline local` prints"
                        .to_owned(),
                )
                .into());
            }
            None => Index::Sqlite(self.data_dir.open_index()?),
        };
        Ok(Place {
            store: sightline_aws::clients(&sdk).store,
            sdk,
            buckets: Buckets {
                input: self.input_bucket.clone(),
                output: self.output_bucket.clone(),
            },
            index,
        })
    }
}

/// One line on what is stored.
pub(crate) fn summary(owner: &Owner, stored: &Stored) -> String {
    let pictures = output::count(stored.images.len(), "picture", "pictures");
    let number =
        |has: fn(&Parts) -> bool| stored.images.values().filter(|parts| has(parts)).count();
    let mut parts = vec![
        output::count(number(|parts| parts.original), "original", "originals"),
        output::count(number(|parts| parts.document), "document", "documents"),
        output::count(number(|parts| parts.thumbnail), "thumbnail", "thumbnails"),
        output::count(number(|parts| parts.preview), "preview", "previews"),
        output::count(
            number(|parts| parts.row.is_some()),
            "entry in the index",
            "entries in the index",
        ),
    ];
    let leases = number(|parts| parts.lease);
    if leases > 0 {
        parts.push(output::count(leases, "lease", "leases"));
    }
    if !stored.others.is_empty() {
        parts.push(output::count(
            stored.others.len(),
            "other object",
            "other objects",
        ));
    }
    format!("{}: {pictures} ({})", owner.as_str(), parts.join(", "))
}
