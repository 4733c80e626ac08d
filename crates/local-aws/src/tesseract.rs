//! Tesseract, the text recogniser of the local mode: a program of its own that is there when its Debian package
//! `tesseract-ocr` is installed.

use sightline_vision::Upright;
use std::{
    ffi::OsStr,
    fs::File,
    io::{self, ErrorKind, Read, Seek, Write},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

/// The language whose letters are read; Debian's package comes with it.
const LANGUAGE: &str = "eng";
/// How long reading one picture may take.
const TIME_LIMIT: Duration = Duration::from_secs(120);
/// How long the program may take to say what it is.
const GREETING_LIMIT: Duration = Duration::from_secs(30);
/// How often is looked whether the program has ended.
const INTERVAL: Duration = Duration::from_millis(5);
/// How much of what it says about a failure is told.
const MAX_REASON: usize = 200;

/// Why Tesseract cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TesseractError {
    /// There is no such program.
    #[error("there is no program {}", .0.display())]
    Missing(PathBuf),
    /// The program is there and of no use.
    #[error("{} is no use as Tesseract: {reason}", program.display())]
    Unusable {
        /// The program.
        program: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// Why a picture was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OcrError {
    #[error("Tesseract took longer than {} seconds", .0.as_secs())]
    TooLong(Duration),
    #[error("Tesseract ended with {status}: {reason}")]
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
    /// Asks the program, a path or a name to be found on `PATH`, what it is and whether it reads English.
    ///
    /// # Errors
    /// [`TesseractError::Missing`] where there is no such program, [`TesseractError::Unusable`] where it is another
    /// one or lacks its language data.
    pub fn open(program: &Path) -> Result<Self, TesseractError> {
        let unusable = |reason: String| TesseractError::Unusable {
            program: program.to_owned(),
            reason,
        };
        let ask = |argument: &str| {
            let files = tempfile::tempfile().and_then(|out| Ok((out, tempfile::tempfile()?)));
            let (out, errors) = files.map_err(|error| unusable(error.to_string()))?;
            match run(
                program,
                [argument],
                Stdio::null(),
                out,
                errors,
                GREETING_LIMIT,
            ) {
                Ok(said) => Ok(said),
                Err(OcrError::Io(error)) if error.kind() == ErrorKind::NotFound => {
                    Err(TesseractError::Missing(program.to_owned()))
                }
                Err(error) => Err(unusable(error.to_string())),
            }
        };
        let said = ask("--version")?;
        let version = version(&said)
            .ok_or_else(|| unusable("it does not say which version it is".to_owned()))?;
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

    /// Its version, such as `5.3.0`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Reads a picture on this thread and answers Tesseract's TSV. The picture waits in a nameless file in `folder`,
    /// which is gone when the process is.
    pub(crate) fn read(&self, folder: &Path, picture: &Upright) -> Result<String, OcrError> {
        let mut pnm = tempfile::tempfile_in(folder)?;
        write!(pnm, "P6\n{} {}\n255\n", picture.width, picture.height)?;
        pnm.write_all(&picture.rgb)?;
        pnm.rewind()?;
        let (out, errors) = (
            tempfile::tempfile_in(folder)?,
            tempfile::tempfile_in(folder)?,
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

/// Runs the program to its end and answers what it wrote. Files take what it writes, so that it never waits for a
/// reader.
fn run<A: AsRef<OsStr>>(
    program: &Path,
    arguments: impl IntoIterator<Item = A>,
    stdin: Stdio,
    mut out: File,
    mut errors: File,
    limit: Duration,
) -> Result<String, OcrError> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(stdin)
        .stdout(out.try_clone()?)
        .stderr(errors.try_clone()?)
        // No key of this process is its business, and one thread is what one place is for.
        .env_clear()
        .env("OMP_THREAD_LIMIT", "1")
        .env("LC_ALL", "C");
    for name in ["PATH", "TESSDATA_PREFIX"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    // Ctrl-C asks this process to finish what is in hand, and this is.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn()?;
    let status = match wait(&mut child, limit) {
        Ok(Some(status)) => status,
        ended => {
            child.kill()?;
            child.wait()?;
            return Err(ended.map_or_else(OcrError::Io, |_| OcrError::TooLong(limit)));
        }
    };
    if status.success() {
        text(&mut out).map_err(OcrError::Io)
    } else {
        let said = text(&mut errors).unwrap_or_default();
        let words: Vec<&str> = said.split_whitespace().collect();
        Err(OcrError::Failed {
            status,
            reason: words.join(" ").chars().take(MAX_REASON).collect(),
        })
    }
}

/// The program's end, or nothing when it has not come in time.
fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if began.elapsed() > limit {
            return Ok(None);
        }
        thread::sleep(INTERVAL);
    }
}

fn text(file: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// `5.3.0` out of `tesseract 5.3.0`, or `v5.3.0` as some builds say.
fn version(said: &str) -> Option<&str> {
    let version = said.lines().next()?.strip_prefix("tesseract ")?.trim();
    let version = version.strip_prefix('v').unwrap_or(version);
    version
        .starts_with(|first: char| first.is_ascii_digit())
        .then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_as_builds_say_it() {
        for (said, expected) in [
            ("tesseract 5.3.0\n leptonica-1.82.0\n", Some("5.3.0")),
            ("tesseract v5.3.3.20231005", Some("5.3.3.20231005")),
            ("tesseract 4.1.1", Some("4.1.1")),
            ("tesseract open source", None),
            ("convert 7", None),
            ("", None),
        ] {
            assert_eq!(version(said), expected, "{said}");
        }
    }

    #[cfg(unix)]
    mod programs {
        use super::*;
        use std::{fs, os::unix::fs::PermissionsExt};

        /// A program that does what the lines of shell say.
        fn program(folder: &Path, lines: &str) -> PathBuf {
            let path = folder.join("program");
            fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            path
        }

        fn call(program: &Path, limit: Duration) -> Result<String, OcrError> {
            let file = || tempfile::tempfile().unwrap();
            run(program, ["argument"], Stdio::null(), file(), file(), limit)
        }

        #[test]
        fn what_is_missing_or_something_else_is_said() {
            let folder = tempfile::tempdir().unwrap();
            let missing = Tesseract::open(&folder.path().join("none")).unwrap_err();
            assert!(matches!(missing, TesseractError::Missing(_)), "{missing}");
            for (lines, said) in [
                ("echo convert 7", "which version"),
                ("echo broken >&2; exit 3", "broken"),
                ("echo tesseract 5.3.0", "tesseract-ocr-eng"),
            ] {
                let other = program(folder.path(), lines);
                let error = Tesseract::open(&other).unwrap_err().to_string();
                assert!(error.contains(said), "{error}");
            }
            let good = program(
                folder.path(),
                "case $1 in --version) echo tesseract 5.3.0;; *) echo List; echo eng;; esac",
            );
            assert_eq!(Tesseract::open(&good).unwrap().version(), "5.3.0");
        }

        #[test]
        fn a_program_that_does_not_end_is_ended() {
            let folder = tempfile::tempdir().unwrap();
            let endless = program(folder.path(), "exec sleep 600");
            let error = call(&endless, Duration::from_millis(20)).unwrap_err();
            assert!(matches!(error, OcrError::TooLong(_)), "{error}");
        }

        #[test]
        fn it_may_write_much_and_sees_no_key_of_this_process() {
            let folder = tempfile::tempdir().unwrap();
            let wordy = program(
                folder.path(),
                "i=0; while [ $i -lt 3000 ]; do echo '0123456789012345678901234567890123456789'; i=$((i+1)); done; env",
            );
            let said = call(&wordy, Duration::from_secs(60)).unwrap();
            assert!(said.len() > 3000 * 41);
            assert!(said.contains("OMP_THREAD_LIMIT=1"));
            assert!(!said.contains("CARGO"));
        }
    }
}
