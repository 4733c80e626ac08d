//! `sightline redrive`: returns dead letters to the queue.

use std::io::Write;

use anyhow::bail;
use clap::Args;
use sightline_local_aws::RedriveError;

use crate::data_dir::DataDir;

/// `sightline redrive`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
A picture that could not be analysed after several attempts becomes a dead
letter: a file in dead-letters/ of the data folder that gives the reason.
Redrive returns it to the queue and gives it all its attempts again.

EXAMPLES
  All dead letters, in the folder where `sightline local` was started:
    sightline redrive
  One dead letter of another data folder:
    sightline redrive --data-dir pictures 3f0c1b6e-8a0d-4f6b-9c1e-2d7a5b8e4c90

EXIT CODES
  0  all are in the queue again, or there were none
  1  some could not be returned
  2  invalid command line, or the folder has no queue")]
pub(crate) struct RedriveArgs {
    #[command(flatten)]
    data_dir: DataDir,

    /// IDs of dead letters, as in their file names; by default all dead letters
    #[arg(value_name = "ID")]
    ids: Vec<String>,
}

/// Returns dead letters to the queue. Reports those that were returned on `out`, the others on `err`.
///
/// # Errors
/// When the data folder cannot be used, or a dead letter does not exist or cannot be returned.
pub(crate) fn run(
    args: &RedriveArgs,
    out: &mut impl Write,
    err: &mut impl Write,
) -> anyhow::Result<()> {
    let data_dir = &args.data_dir;
    let outcome = sightline_local_aws::redrive(data_dir.path(), &args.ids).map_err(|error| {
        if matches!(error, RedriveError::NoQueue(_)) {
            return data_dir.missing("queue").into();
        }
        anyhow::Error::new(error).context(format!(
            "cannot return the dead letters in {} to the queue",
            data_dir.path().display()
        ))
    })?;
    for id in &outcome.requeued {
        match outcome.reasons.get(id) {
            Some(reason) => writeln!(
                out,
                "{id} was returned to the queue. It had failed: {reason}"
            )?,
            None => writeln!(out, "{id} was returned to the queue.")?,
        }
    }
    for (file, reason) in &outcome.failed {
        writeln!(
            err,
            "{} was not returned to the queue: {reason}",
            file.display()
        )?;
    }
    for id in &outcome.unknown {
        writeln!(err, "{id} is not a dead letter.")?;
    }
    let not_returned = outcome.failed.len() + outcome.unknown.len();
    if not_returned > 0 {
        bail!(
            "{not_returned} of {} dead letters could not be returned to the queue",
            not_returned + outcome.requeued.len()
        );
    }
    if outcome.requeued.is_empty() {
        writeln!(out, "There are no dead letters.")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{exit::CliError, local::clients, testing::parse};
    use sightline_local_aws::{Settings, start};
    use sightline_pipeline::object_store::{Condition, ObjectStore, Put};
    use sightline_vision::Recognisers;
    use std::{path::Path, sync::Arc, time::Duration};

    const LONG: Duration = Duration::from_secs(3600);

    /// Runs the command. Returns its result, standard output and standard error.
    fn redrive(data_dir: &Path, ids: &[&str]) -> (anyhow::Result<()>, String, String) {
        let args = RedriveArgs {
            data_dir: data_dir.into(),
            ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let result = run(&args, &mut out, &mut err);
        let [out, err] = [out, err].map(|text| String::from_utf8(text).unwrap());
        (result, out, err)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_dead_letter_is_returned_while_the_endpoint_runs() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::new(folder.path(), Arc::new(Recognisers::embedded().unwrap()));
        settings.listen.set_port(0);
        settings.max_receive_count = 1;
        let (bucket, keys) = (settings.input_bucket.clone(), settings.credentials.clone());
        let aws = start(settings).await.unwrap();
        let endpoint = format!("http://{}", aws.address());
        let store = clients::clients(&endpoint, "us-east-1", &keys).store;
        let put = Put {
            bucket: &bucket,
            key: "uploads/a.jpg",
            body: b"no picture",
            content_type: "image/jpeg",
            metadata: &[],
            condition: Condition::Always,
        };
        store.put(put).await.unwrap();
        let queue = aws.queue();
        let message = queue.receive(1, LONG).await.unwrap().remove(0);
        let changed = queue.change_visibility(&message.receipt, Duration::ZERO);
        assert!(changed.await.unwrap());
        queue.fail(&message.receipt, "a reason").await.unwrap();
        // The queue moves it when it would be received again.
        let receiving = tokio::spawn({
            let queue = queue.clone();
            async move { queue.receive(1, LONG).await }
        });
        let letters = folder.path().join("dead-letters");
        while !std::fs::read_dir(&letters)
            .unwrap()
            .any(|file| file.unwrap().path().extension() == Some("json".as_ref()))
        {
            assert!(!receiving.is_finished());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        receiving.abort();

        let (result, stdout, stderr) = redrive(folder.path(), &[&message.id, "another"]);
        assert_eq!(
            result.unwrap_err().to_string(),
            "1 of 2 dead letters could not be returned to the queue"
        );
        assert_eq!(
            stdout,
            format!(
                "{} was returned to the queue. It had failed: a reason\n",
                message.id
            )
        );
        assert_eq!(stderr, "another is not a dead letter.\n");
        let again = queue.receive(1, LONG).await.unwrap().remove(0);
        assert_eq!(again.id, message.id);
        let json = |body: &str| serde_json::from_str::<serde_json::Value>(body).unwrap();
        assert_eq!(json(&again.body), json(&message.body));

        let (result, stdout, stderr) = redrive(folder.path(), &[]);
        result.unwrap();
        assert_eq!(
            (stdout.as_str(), stderr.as_str()),
            ("There are no dead letters.\n", "")
        );
        aws.shutdown().await;
    }

    #[test]
    fn a_folder_without_a_queue_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let (result, ..) = redrive(folder.path(), &[]);
        let error = result.unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(CliError::Usage(_))));
        let message = error.to_string();
        for part in [&folder.path().display().to_string(), "--data-dir"] {
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn without_ids_all_dead_letters_are_meant() {
        assert!(parse::<RedriveArgs>(&[]).unwrap().ids.is_empty());
        let args: RedriveArgs = parse(&["--data-dir", "d", "a", "b"]).unwrap();
        assert_eq!(args.data_dir.path(), Path::new("d"));
        assert_eq!(args.ids, ["a", "b"]);
    }
}
