//! `sightline upload`: pictures go to the service, their answers come back.

mod files;
pub(crate) mod journal;
mod report;
mod send;

use std::{
    collections::BTreeMap,
    io::IsTerminal as _,
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use clap::Args;
use futures::{StreamExt as _, future, stream};
use http::Method;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;
use sightline_pipeline::{Analyses, SourceKey};
use tokio::sync::{mpsc, watch};

use self::{
    journal::Journal,
    report::{Row, Status},
    send::{Sender, Sent},
};
use crate::{
    api::{self, Api, ApiArgs, Refusal},
    exit::{Fault, Outcome},
    http::Http,
    interrupt,
    output::{self, OutputArgs},
};

/// How many answers are asked for at once. Pictures are answered in about the order in which they came, so it is
/// the oldest ones that are asked about.
const ASKED_AT_ONCE: usize = 4;
/// How long to wait for an answer when the service does not say.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// `sightline upload`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "\
EXAMPLES
  One picture, to the `sightline local` of this machine:
    sightline upload cat.jpg
  All pictures in and below a folder, sixteen at once, to a deployed service:
    SIGHTLINE_TOKEN=... sightline upload --jobs 16 \\
        --api https://pictures.example.com holiday/
  Names of the pictures that show a dog, with jq:
    sightline upload --json '*.jpg' \\
        | jq -r 'select(any(.labels[]; .name == \"Dog\")) | .file'

INTERRUPTED
  Ctrl-C finishes the uploads in hand and ends. Run the same command again:
  what was uploaded is not uploaded twice. It is known by its bytes, so files
  may be renamed or moved in between. --again uploads everything.

EXIT CODES
  0  every picture has its answer        2  the command line is wrong
  1  some pictures have none or a part   3  the service was not reached
  130  interrupted                       4  the service refused who asks")]
pub(crate) struct UploadArgs {
    /// Pictures, folders of pictures, or patterns such as 'trip/**/*.jpg'
    #[arg(required = true, value_name = "FILE|FOLDER|PATTERN")]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    api: ApiArgs,

    /// What to find out, separated by commas: labels, image-properties, faces, text, moderation, celebrities, ppe,
    /// custom-labels; what the service does by itself when not given
    #[arg(long, value_name = "NAMES", value_parser = crate::args::analyses)]
    analyses: Option<Analyses>,

    /// How many pictures are uploaded at once
    #[arg(long, value_name = "COUNT", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,

    /// Upload also what was uploaded before
    #[arg(long)]
    again: bool,

    /// Do not wait for the answers
    #[arg(long)]
    no_wait: bool,

    /// Give up on answers when none came for so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,

    /// Folder in which it is noted what was uploaded; `sightline` in XDG_STATE_HOME when not given
    #[arg(long, env = "SIGHTLINE_STATE_DIR", value_name = "FOLDER")]
    state_dir: Option<PathBuf>,

    #[command(flatten)]
    output: OutputArgs,
}

/// Uploads, waits, and tells.
///
/// # Errors
/// When nothing is to be uploaded, the service cannot be reached or refuses, or the journal cannot be written.
pub(crate) async fn run(args: UploadArgs) -> anyhow::Result<Outcome> {
    let named = args.paths.clone();
    let found = tokio::task::spawn_blocking(move || files::find(&named)).await?;
    let http = Http::new();
    let api = Api::new(&args.api, http.clone())?;
    if found.files.is_empty() {
        let reasons: Vec<_> = found
            .missing
            .iter()
            .map(|(path, reason)| format!("{}: {reason}", path.display()))
            .collect();
        return Err(Fault::Usage(if reasons.is_empty() {
            "there are no pictures in what was named".to_owned()
        } else {
            format!("there is nothing to upload; {}", reasons.join("; "))
        })
        .into());
    }
    api.check().await?;
    let state = match &args.state_dir {
        Some(folder) => folder.clone(),
        None => journal::state_folder()?,
    };
    let sizes: Vec<(PathBuf, u64)> = found
        .files
        .into_iter()
        .map(|file| {
            let size = std::fs::metadata(&file).map_or(0, |file| file.len());
            (file, size)
        })
        .collect();
    let total = sizes.iter().map(|(_, size)| size).sum();
    let bars = Bars::new(total, sizes.len());
    let run = Run {
        sender: Sender {
            journal: Journal::open(&state, api.base())?,
            api,
            http,
            analyses: args.analyses.clone(),
            again: args.again,
            progress: bars.bytes.clone(),
            seen: Mutex::default(),
        },
        bars,
        json: args.output.json,
        jobs: usize::from(args.jobs),
        wait: !args.no_wait,
        timeout: Duration::from_secs(args.timeout),
        heard: Mutex::new(Instant::now()),
        rows: Mutex::default(),
    };
    for (path, reason) in &found.missing {
        run.record(usize::MAX, Row::missing(path, reason))?;
    }
    let interrupted = interrupt::watch();
    let failure = run.go(&sizes, interrupted.clone()).await.err();
    run.finish(
        &sizes,
        args.output,
        failure,
        *interrupted.borrow(),
        found.missing.len(),
    )
}

/// One run at work.
struct Run {
    sender: Sender,
    bars: Bars,
    jobs: usize,
    json: bool,
    wait: bool,
    timeout: Duration,
    /// When the service last got or gave something.
    heard: Mutex<Instant>,
    /// What is known so far, by the file's place; what is in no place was missing.
    rows: Mutex<BTreeMap<(usize, usize), Row>>,
}

impl Run {
    /// Uploads and waits, until all is done or it is interrupted.
    async fn go(
        &self,
        files: &[(PathBuf, u64)],
        interrupted: watch::Receiver<bool>,
    ) -> anyhow::Result<()> {
        // Whatever ends the run early: Ctrl-C, or an error that concerns every picture.
        let (stop, stopped) = watch::channel(false);
        let (uploaded, arriving) = mpsc::unbounded_channel();
        let until = |mut stopped: watch::Receiver<bool>| async move {
            interrupt::happened(&mut stopped).await;
        };
        let uploads = async {
            let mut sent =
                stream::iter(files.iter().enumerate())
                    .take_until(Box::pin(future::select(
                        Box::pin(until(interrupted.clone())),
                        Box::pin(until(stopped.clone())),
                    )))
                    .map(|(at, (path, size))| async move {
                        (at, path, self.sender.send(path, *size).await)
                    })
                    .buffer_unordered(self.jobs);
            let mut outcome = Ok(());
            while let Some((at, path, sent)) = sent.next().await {
                let taken = sent.and_then(|sent| self.sent(at, path, sent));
                match taken {
                    Ok(Some(key)) => {
                        // Nobody receives once the run is stopped.
                        let _ = uploaded.send((at, key));
                    }
                    Ok(None) => {}
                    Err(error) => {
                        stop.send_replace(true);
                        if outcome.is_ok() {
                            outcome = Err(error);
                        }
                    }
                }
            }
            drop(uploaded);
            outcome
        };
        let answers = async {
            let arriving = stream::unfold(arriving, |mut arriving| async move {
                arriving.recv().await.map(|one| (one, arriving))
            });
            let mut answers = arriving
                .map(|(at, key)| async move { (at, self.answer(&key).await) })
                .buffered(ASKED_AT_ONCE)
                .boxed_local();
            while let Some((at, answer)) = answers.next().await {
                let answered = answer.and_then(|answer| self.answered(at, answer));
                if let Err(error) = answered {
                    stop.send_replace(true);
                    return Err(error);
                }
            }
            Ok(())
        };
        let answers = async {
            tokio::select! {
                outcome = answers => outcome,
                () = until(interrupted.clone()) => Ok(()),
                () = until(stopped.clone()) => Ok(()),
            }
        };
        let (uploads, answers) = future::join(uploads, answers).await;
        uploads.and(answers)
    }

    /// Takes note of a file that was sent; its key when its answer is to be waited for.
    fn sent(
        &self,
        at: usize,
        path: &std::path::Path,
        sent: Sent,
    ) -> anyhow::Result<Option<SourceKey>> {
        self.hear();
        let key = match &sent {
            Sent::There { key, .. } if self.wait => Some(key.clone()),
            _ => None,
        };
        let row = Row::sent(path, sent);
        if key.is_some() {
            // Its line is written when its answer is there.
            self.rows().insert((0, at), row);
        } else {
            self.bars.files.inc(1);
            self.record(at, row)?;
        }
        Ok(key)
    }

    /// Waits for an answer.
    async fn answer(&self, key: &SourceKey) -> anyhow::Result<Result<Value, (String, String)>> {
        let path = api::results_path(key);
        loop {
            let answer = self.sender.api.send(Method::GET, &path, None).await?;
            match answer.status {
                200 => return Ok(Ok(api::body(&answer)?)),
                202 => {}
                _ => {
                    let refusal = Refusal::read(&answer);
                    return Ok(Err((refusal.code, refusal.detail)));
                }
            }
            if self.silence() > self.timeout {
                return Ok(Err((
                    "timeout".to_owned(),
                    format!(
                        "no answer came for {} seconds; run the same command again to see whether it came since",
                        self.timeout.as_secs()
                    ),
                )));
            }
            let wish = answer.retry_after(std::time::SystemTime::now());
            tokio::time::sleep(wish.unwrap_or(ASK_AGAIN).min(self.timeout)).await;
        }
    }

    /// Takes note of an answer.
    fn answered(&self, at: usize, answer: Result<Value, (String, String)>) -> anyhow::Result<()> {
        let row = self.rows().remove(&(0, at));
        let Some(row) = row else { return Ok(()) };
        let row = match answer {
            Ok(document) => {
                self.hear();
                row.answered(&document)
            }
            Err((code, message)) => row.unanswered(&code, message),
        };
        self.bars.files.inc(1);
        self.record(at, row)
    }

    /// Keeps a row, and writes it where lines are wanted.
    fn record(&self, at: usize, row: Row) -> anyhow::Result<()> {
        if self.json {
            self.bars.all.suspend(|| output::print_json(&row))?;
        }
        let mut rows = self.rows();
        let place = if at == usize::MAX {
            (1, rows.len())
        } else {
            (0, at)
        };
        rows.insert(place, row);
        Ok(())
    }

    /// Tells what became of everything.
    fn finish(
        self,
        files: &[(PathBuf, u64)],
        output: OutputArgs,
        failure: Option<anyhow::Error>,
        interrupted: bool,
        missing: usize,
    ) -> anyhow::Result<Outcome> {
        self.bars.clear();
        let mut rows = self
            .rows
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        for (at, (path, _)) in files.iter().enumerate() {
            let row = rows
                .entry((0, at))
                .or_insert_with(|| Row::not_uploaded(path));
            let unheard = row.status == Status::Uploaded && self.wait;
            if unheard {
                *row = row.clone().unanswered(
                    "interrupted",
                    "the run ended before its answer came".to_owned(),
                );
            }
            if self.json && (unheard || row.status == Status::NotUploaded) {
                output::print_json(row)?;
            }
        }
        let rows: Vec<_> = rows.into_values().collect();
        if !output.json {
            report::table(&rows).print(output.color)?;
        }
        output::tell(&report::summary(&rows));
        if let Some(failure) = failure {
            return Err(failure);
        }
        if interrupted {
            output::tell("Interrupted. Run the same command again for the rest.");
            return Ok(Outcome::Interrupted);
        }
        let well = missing == 0 && rows.iter().all(|row| row.status.is_well());
        Ok(if well {
            Outcome::Done
        } else {
            Outcome::SomeFailed
        })
    }

    fn rows(&self) -> std::sync::MutexGuard<'_, BTreeMap<(usize, usize), Row>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self) {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn silence(&self) -> Duration {
        self.heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .elapsed()
    }
}

/// The bars, which only a terminal shows.
struct Bars {
    all: MultiProgress,
    /// Bytes on their way.
    bytes: ProgressBar,
    /// Files whose fate is known.
    files: ProgressBar,
}

impl Bars {
    fn new(bytes: u64, files: usize) -> Self {
        let target = if std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let all = MultiProgress::with_draw_target(target);
        let bar = |length: u64, template: &str| {
            let bar = all.add(ProgressBar::new(length));
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar
        };
        Self {
            bytes: bar(
                bytes,
                "Uploaded [{bar:30}] {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}",
            ),
            files: bar(
                files as u64,
                "Answered [{bar:30}] {pos} of {len}, {elapsed}",
            ),
            all,
        }
    }

    fn clear(&self) {
        self.bytes.finish_and_clear();
        self.files.finish_and_clear();
    }
}
