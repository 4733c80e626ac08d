//! The data folder of `sightline local`, which `redrive`, `reindex`, `backup` and `restore` use too.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use sightline_local_aws::Others;
use sightline_pipeline::index::SqliteIndex;

use crate::exit::CliError;

/// What backups copy besides the AWS endpoint's own data.
pub(crate) const OTHERS: Others<'static> = Others {
    database: INDEX,
    files: &[CREDENTIALS],
};

const INDEX: &str = "index.sqlite3";
const CREDENTIALS: &str = "credentials.json";

/// The data folder.
#[derive(Debug, Clone, Args)]
pub(crate) struct DataDir {
    /// Data folder of `sightline local`: objects, queue, dead letters, index and the log of AWS calls
    #[arg(
        id = "data_dir",
        long = "data-dir",
        env = "SIGHTLINE_DATA_DIR",
        value_name = "FOLDER",
        default_value = ".sightline"
    )]
    path: PathBuf,
}

impl DataDir {
    /// The folder itself.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The SQLite file with the search index.
    pub(crate) fn index_file(&self) -> PathBuf {
        self.path.join(INDEX)
    }

    /// Opens the search index. `sightline local` creates the file. One created here would be in a folder where nothing reads it.
    ///
    /// # Errors
    /// When there is no index, or it cannot be opened.
    pub(crate) fn open_index(&self) -> anyhow::Result<SqliteIndex> {
        let file = self.index_file();
        if !file.is_file() {
            return Err(self.missing("index").into());
        }
        SqliteIndex::open(&file).context("cannot open the index")
    }

    /// The file with the keys of all AWS clients.
    pub(crate) fn credentials_file(&self) -> PathBuf {
        self.path.join(CREDENTIALS)
    }

    /// The error for a folder that lacks something `sightline local` stores there.
    pub(crate) fn missing(&self, what: &str) -> CliError {
        CliError::Usage(format!(
            "there is no {what} in {}; set --data-dir (or SIGHTLINE_DATA_DIR) to the data folder of `sightline local`",
            self.path.display()
        ))
    }
}

#[cfg(test)]
impl From<&Path> for DataDir {
    fn from(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }
}
