//! `sightline backup` and `sightline restore`: copies of the data folder of `sightline local`.

use std::{io::Write, path::PathBuf};

use clap::Args;
use sightline_local_aws::{BackupError, Copied};
use sightline_pipeline::prepare::size::mib;

use crate::{
    data_dir::{DataDir, OTHERS},
    exit::CliError,
};

/// `sightline backup`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Copies pictures, results, queue, dead letters, index and keys, as they are at
one moment. `sightline local` may run meanwhile. Do not copy the data folder
with other tools while it runs: such a copy can lack what was stored last.

EXAMPLES
  Into a new folder, with the date in its name:
    sightline backup \"backup-$(date +%F)\"
  Of another data folder:
    sightline backup --data-dir pictures /mnt/disk/pictures-backup

EXIT CODES
  0  the backup is complete
  1  it could not be made
  2  invalid command line, no data, or the target is not empty")]
pub(crate) struct BackupArgs {
    #[command(flatten)]
    data_dir: DataDir,

    /// New folder for the backup
    #[arg(value_name = "FOLDER")]
    target: PathBuf,
}

/// `sightline restore`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Checks the backup and makes a data folder of it. The data folder must not
have pictures yet: name a new one, or move the old one away.

EXAMPLES
  Into .sightline:
    sightline restore backup-2026-11-29
  Into another data folder, which is then served:
    sightline restore --data-dir restored backup-2026-11-29
    sightline local --data-dir restored

EXIT CODES
  0  everything is restored
  1  it could not be restored
  2  invalid command line, no complete backup, or the data folder is not empty")]
pub(crate) struct RestoreArgs {
    #[command(flatten)]
    data_dir: DataDir,

    /// Folder with the backup
    #[arg(value_name = "FOLDER")]
    backup: PathBuf,
}

/// Makes a backup.
///
/// # Errors
/// When the data folder cannot be read or the backup cannot be written.
pub(crate) fn backup(args: &BackupArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let data_dir = &args.data_dir;
    let copied =
        sightline_local_aws::backup(data_dir.path(), &args.target, OTHERS).map_err(|error| {
            match error {
                BackupError::NoStore(_) => data_dir.missing("data").into(),
                error => read(error),
            }
        })?;
    report(out, "Backed up", copied)?;
    if copied.damaged > 0 {
        anyhow::bail!(
            "the files of some objects ({}) are missing or damaged in the data folder; sightline-backup.json names them, and a \
             restore goes on without them",
            copied.damaged
        );
    }
    Ok(())
}

/// Restores a backup.
///
/// # Errors
/// When the backup is not complete or the data folder cannot be written.
pub(crate) fn restore(args: &RestoreArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let copied =
        sightline_local_aws::restore(&args.backup, args.data_dir.path(), OTHERS).map_err(read)?;
    report(out, "Restored", copied)
}

fn read(error: BackupError) -> anyhow::Error {
    match error {
        BackupError::NoBackup(_) | BackupError::NotEmpty(_) => {
            CliError::Usage(error.to_string()).into()
        }
        error => error.into(),
    }
}

fn report(out: &mut impl Write, done: &str, copied: Copied) -> anyhow::Result<()> {
    let plural = if copied.files == 1 { "" } else { "s" };
    writeln!(
        out,
        "{done} {} file{plural}, {}.",
        copied.files,
        mib(copied.bytes)
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::parse;
    use std::path::Path;

    #[test]
    fn both_commands_take_a_folder_and_a_data_folder() {
        let backup: BackupArgs = parse(&["--data-dir", "d", "b"]).unwrap();
        assert_eq!(backup.data_dir.path(), Path::new("d"));
        assert_eq!(backup.target, Path::new("b"));
        let restore: RestoreArgs = parse(&["b"]).unwrap();
        assert_eq!(restore.backup, Path::new("b"));
        assert!(parse::<RestoreArgs>(&[]).is_err());
    }

    #[test]
    fn a_folder_without_data_or_backup_is_a_usage_error() {
        let folder = tempfile::tempdir().unwrap();
        let backed_up = backup(
            &BackupArgs {
                data_dir: folder.path().into(),
                target: folder.path().join("backup"),
            },
            &mut Vec::new(),
        );
        let restored = restore(
            &RestoreArgs {
                data_dir: folder.path().into(),
                backup: folder.path().join("nothing"),
            },
            &mut Vec::new(),
        );
        for result in [backed_up, restored] {
            let error = result.unwrap_err();
            assert!(
                matches!(error.downcast_ref(), Some(CliError::Usage(_))),
                "{error}"
            );
        }
    }
}
