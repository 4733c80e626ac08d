//! `sightline redrive`: dead letters go back into the queue.

use std::io::Write;

use anyhow::bail;
use sightline_local_aws::RedriveError;

use crate::{args::RedriveArgs, exit::Fault};

/// Puts dead letters back and says what became of them: of those that are queued again on `out`, of those that are
/// not on `err`.
///
/// # Errors
/// When the data folder cannot be used, or a letter that was named is not there or cannot be put back.
pub(crate) fn run(
    args: &RedriveArgs,
    out: &mut impl Write,
    err: &mut impl Write,
) -> anyhow::Result<()> {
    let outcome = sightline_local_aws::redrive(&args.data_dir, &args.ids).map_err(|error| {
        if matches!(error, RedriveError::NoQueue(_)) {
            return Fault::no_local_data("queue", &args.data_dir).into();
        }
        anyhow::Error::new(error).context(format!(
            "the dead letters in {} cannot be put back",
            args.data_dir.display()
        ))
    })?;
    for id in &outcome.requeued {
        match outcome.reasons.get(id) {
            Some(reason) => writeln!(
                out,
                "{id} is in the queue again. It had failed because: {reason}"
            )?,
            None => writeln!(out, "{id} is in the queue again.")?,
        }
    }
    for (file, reason) in &outcome.failed {
        writeln!(err, "{} stays where it is: {reason}", file.display())?;
    }
    for id in &outcome.unknown {
        writeln!(err, "{id} is no dead letter.")?;
    }
    let stayed = outcome.failed.len() + outcome.unknown.len();
    if stayed > 0 {
        bail!(
            "{stayed} of {} could not be put back",
            stayed + outcome.requeued.len()
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
    use crate::local::clients;
    use sightline_local_aws::{RetryBackoff, Settings, start};
    use sightline_pipeline::object_store::{Condition, ObjectStore, Put};
    use sightline_vision::Recogniser;
    use std::{path::Path, sync::Arc, time::Duration};

    const LONG: Duration = Duration::from_secs(3600);

    /// What became of it, and what was said on standard output and on standard error.
    fn redrive(data_dir: &Path, ids: &[&str]) -> (anyhow::Result<()>, String, String) {
        let args = RedriveArgs {
            data_dir: data_dir.to_owned(),
            ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let outcome = run(&args, &mut out, &mut err);
        let [out, err] = [out, err].map(|said| String::from_utf8(said).unwrap());
        (outcome, out, err)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_dead_letter_goes_back_while_the_endpoint_runs() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::new(folder.path(), Arc::new(Recogniser::embedded().unwrap()));
        settings.listen.set_port(0);
        settings.max_receive_count = 1;
        settings.retry_backoff = RetryBackoff {
            first: Duration::ZERO,
            longest: Duration::ZERO,
        };
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
        queue
            .retry_later(&message.receipt, "a reason")
            .await
            .unwrap();

        let (outcome, said, wrong) = redrive(folder.path(), &[&message.id, "another"]);
        assert_eq!(
            outcome.unwrap_err().to_string(),
            "1 of 2 could not be put back"
        );
        assert_eq!(
            said,
            format!(
                "{} is in the queue again. It had failed because: a reason\n",
                message.id
            )
        );
        assert_eq!(wrong, "another is no dead letter.\n");
        let again = queue.receive(1, LONG).await.unwrap().remove(0);
        assert_eq!(again.id, message.id);
        let json = |body: &str| serde_json::from_str::<serde_json::Value>(body).unwrap();
        assert_eq!(json(&again.body), json(&message.body));

        let (outcome, said, wrong) = redrive(folder.path(), &[]);
        outcome.unwrap();
        assert_eq!(
            (said.as_str(), wrong.as_str()),
            ("There are no dead letters.\n", "")
        );
        aws.shutdown().await;
    }

    #[test]
    fn a_folder_without_a_queue_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (outcome, ..) = redrive(folder.path(), &[]);
        let error = outcome.unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(Fault::Usage(_))));
        let said = error.to_string();
        for part in [&folder.path().display().to_string(), "--data-dir"] {
            assert!(said.contains(part), "{said}");
        }
    }
}
