//! Runs Tesseract, a separate program that the Debian package `tesseract-ocr` installs.

use image::RgbImage;
use std::{
    ffi::OsStr,
    fs::File,
    io::{self, ErrorKind, Read, Seek, Write},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

/// The language of the text; Debian's package includes it.
const LANGUAGE: &str = "eng";
/// The longest time for one image.
const TIME_LIMIT: Duration = Duration::from_secs(120);
/// The longest time for `--version` and `--list-langs`.
const PROBE_LIMIT: Duration = Duration::from_secs(30);
/// How often to check whether the program has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(5);
/// How many characters of the program's error output are reported.
const MAX_REASON: usize = 200;

/// Why Tesseract cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TesseractError {
    /// The program does not exist.
    #[error("the program {} does not exist", .0.display())]
    Missing(PathBuf),
    /// The program exists but cannot be used.
    #[error("{} cannot be used as Tesseract: {reason}", program.display())]
    Unusable {
        /// The program.
        program: PathBuf,
        /// The problem.
        reason: String,
    },
}

/// Why Tesseract did not read an image.
#[derive(Debug, thiserror::Error)]
pub(super) enum RunError {
    #[error("Tesseract took longer than {} seconds", .0.as_secs())]
    TimedOut(Duration),
    #[error("Tesseract failed with {status}: {reason}")]
    Failed { status: ExitStatus, reason: String },
    #[error("Tesseract cannot be run: {0}")]
    Io(#[from] io::Error),
}

/// An installed Tesseract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tesseract {
    program: PathBuf,
    version: String,
}

impl Tesseract {
    /// Checks the program's version and that it reads English. `program` is a path, or a name to look up in `PATH`.
    ///
    /// # Errors
    /// [`TesseractError::Missing`] if there is no such program, [`TesseractError::Unusable`] if it is not Tesseract
    /// or lacks its language data.
    pub fn open(program: &Path) -> Result<Self, TesseractError> {
        let unusable = |reason: String| TesseractError::Unusable {
            program: program.to_owned(),
            reason,
        };
        let ask = |argument: &str| {
            let files = tempfile::tempfile().and_then(|out| Ok((out, tempfile::tempfile()?)));
            let (out, errors) = files.map_err(|error| unusable(error.to_string()))?;
            match run(program, [argument], Stdio::null(), out, errors, PROBE_LIMIT) {
                Ok(output) => Ok(output),
                Err(RunError::Io(error)) if error.kind() == ErrorKind::NotFound => {
                    Err(TesseractError::Missing(program.to_owned()))
                }
                Err(error) => Err(unusable(error.to_string())),
            }
        };
        let output = ask("--version")?;
        let version =
            version(&output).ok_or_else(|| unusable("it does not report a version".to_owned()))?;
        if !ask("--list-langs")?
            .lines()
            .any(|line| line.trim() == LANGUAGE)
        {
            return Err(unusable(format!(
                "it has no data for the language \"{LANGUAGE}\"; install the package tesseract-ocr-{LANGUAGE}"
            )));
        }
        Ok(Self {
            program: program.to_owned(),
            version: version.to_owned(),
        })
    }

    /// The version, such as `5.3.0`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Reads an image and returns Tesseract's TSV. Blocks. The temporary files in `scratch` have no names, so they
    /// disappear with the process.
    pub(super) fn read(&self, scratch: &Path, image: &RgbImage) -> Result<String, RunError> {
        let mut pnm = tempfile::tempfile_in(scratch)?;
        write!(pnm, "P6\n{} {}\n255\n", image.width(), image.height())?;
        pnm.write_all(image.as_raw())?;
        pnm.rewind()?;
        let (out, errors) = (
            tempfile::tempfile_in(scratch)?,
            tempfile::tempfile_in(scratch)?,
        );
        let arguments = [
            "stdin",
            "stdout",
            "-l",
            LANGUAGE,
            "-c",
            "tessedit_create_tsv=1",
        ];
        run(
            &self.program,
            arguments,
            pnm.into(),
            out,
            errors,
            TIME_LIMIT,
        )
    }
}

/// Runs the program to its end and returns its standard output. The output goes to files, so the program never waits
/// for a reader.
fn run<A: AsRef<OsStr>>(
    program: &Path,
    arguments: impl IntoIterator<Item = A>,
    stdin: Stdio,
    mut out: File,
    mut errors: File,
    limit: Duration,
) -> Result<String, RunError> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(stdin)
        .stdout(out.try_clone()?)
        .stderr(errors.try_clone()?)
        // The program must not see this process's secrets. The caller counts on one thread a call.
        .env_clear()
        .env("OMP_THREAD_LIMIT", "1")
        .env("LC_ALL", "C");
    for name in ["PATH", "TESSDATA_PREFIX"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    // Ctrl-C lets this process finish its running calls, so it must not reach the program.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn()?;
    let status = match wait(&mut child, limit) {
        Ok(Some(status)) => status,
        failed => {
            child.kill()?;
            child.wait()?;
            return Err(failed.map_or_else(RunError::Io, |_| RunError::TimedOut(limit)));
        }
    };
    if status.success() {
        text(&mut out).map_err(RunError::Io)
    } else {
        let output = text(&mut errors).unwrap_or_default();
        let words: Vec<&str> = output.split_whitespace().collect();
        Err(RunError::Failed {
            status,
            reason: words.join(" ").chars().take(MAX_REASON).collect(),
        })
    }
}

/// The program's exit status, or `None` if it is still running after `limit`.
fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() > limit {
            return Ok(None);
        }
        thread::sleep(POLL_INTERVAL);
    }
}

fn text(file: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// `5.3.0` from `tesseract 5.3.0`; some builds write `v5.3.0`.
fn version(output: &str) -> Option<&str> {
    let version = output.lines().next()?.strip_prefix("tesseract ")?.trim();
    let version = version.strip_prefix('v').unwrap_or(version);
    version
        .starts_with(|first: char| first.is_ascii_digit())
        .then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_the_version_is_read() {
        for (output, expected) in [
            ("tesseract 5.3.0\n leptonica-1.82.0\n", Some("5.3.0")),
            ("tesseract v5.3.3.20231005", Some("5.3.3.20231005")),
            ("tesseract 4.1.1", Some("4.1.1")),
            ("tesseract open source", None),
            ("convert 7", None),
            ("", None),
        ] {
            assert_eq!(version(output), expected, "{output}");
        }
    }

    #[cfg(unix)]
    mod programs {
        use super::*;
        use std::{fs, os::unix::fs::PermissionsExt};

        /// A program that runs these lines of shell.
        fn program(folder: &Path, lines: &str) -> PathBuf {
            let path = folder.join("program");
            fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            path
        }

        fn call(program: &Path, limit: Duration) -> Result<String, RunError> {
            let file = || tempfile::tempfile().unwrap();
            run(program, ["argument"], Stdio::null(), file(), file(), limit)
        }

        #[test]
        fn a_missing_or_unusable_program_is_reported() {
            let folder = tempfile::tempdir().unwrap();
            let missing = Tesseract::open(&folder.path().join("none")).unwrap_err();
            assert!(matches!(missing, TesseractError::Missing(_)), "{missing}");
            for (lines, reason) in [
                ("echo convert 7", "does not report a version"),
                ("echo broken >&2; exit 3", "broken"),
                ("echo tesseract 5.3.0", "tesseract-ocr-eng"),
            ] {
                let other = program(folder.path(), lines);
                let error = Tesseract::open(&other).unwrap_err().to_string();
                assert!(error.contains(reason), "{error}");
            }
            let good = program(
                folder.path(),
                "case $1 in --version) echo tesseract 5.3.0;; *) echo List; echo eng;; esac",
            );
            assert_eq!(Tesseract::open(&good).unwrap().version(), "5.3.0");
        }

        #[test]
        fn a_program_that_takes_too_long_is_killed() {
            let folder = tempfile::tempdir().unwrap();
            let endless = program(folder.path(), "exec sleep 600");
            let error = call(&endless, Duration::from_millis(20)).unwrap_err();
            assert!(matches!(error, RunError::TimedOut(_)), "{error}");
        }

        #[test]
        fn output_may_be_long_and_the_environment_holds_no_secrets() {
            let folder = tempfile::tempdir().unwrap();
            let wordy = program(
                folder.path(),
                "i=0; while [ $i -lt 3000 ]; do echo '0123456789012345678901234567890123456789'; i=$((i+1)); done; env",
            );
            let output = call(&wordy, Duration::from_secs(60)).unwrap();
            assert!(output.len() > 3000 * 41);
            assert!(output.contains("OMP_THREAD_LIMIT=1"));
            assert!(!output.contains("CARGO"));
        }
    }
}
