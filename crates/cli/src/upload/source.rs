//! Where the pictures of an upload come from: files, addresses, and standard input.

use std::{
    fmt,
    fs::File,
    io::{IsTerminal as _, Read as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use sightline_pipeline::{prepare::size::over_limit, recognition::MAX_FILE_BYTES};
use tempfile::TempDir;
use tokio::{sync::OnceCell, task::spawn_blocking};
use url::Url;

use super::{
    fetch::{Fetcher, UrlError},
    row_error::RowError,
};

/// A picture to upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// A file.
    File(PathBuf),
    /// An address to download it from.
    Address(Url),
    /// Standard input, and the name that the picture gets.
    Stdin(Option<String>),
}

impl fmt::Display for Source {
    /// As the report shows it. The query of an address may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Address(url) => {
                let mut shown = url.clone();
                shown.set_fragment(None);
                shown.set_query(url.query().map(|_| "…"));
                // The url crate percent-encodes the ellipsis.
                f.write_str(&shown.as_str().replace("%E2%80%A6", "…"))
            }
            Self::Stdin(name) => f.write_str(name.as_deref().unwrap_or("-")),
        }
    }
}

/// An argument of the command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Argument {
    /// A file, folder or pattern.
    Path(PathBuf),
    /// An address.
    Address(Url),
    /// Standard input.
    Stdin,
}

impl Argument {
    /// Reads an argument.
    ///
    /// # Errors
    /// When it is an address that cannot be downloaded.
    pub(super) fn parse(text: &Path) -> Result<Self, UrlError> {
        match text.to_str() {
            Some("-") => Ok(Self::Stdin),
            Some(address) if is_address(address) => Fetcher::parse(address).map(Self::Address),
            _ => Ok(Self::Path(text.to_owned())),
        }
    }
}

fn is_address(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| {
        scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
    })
}

/// The bytes of a picture on this machine.
#[derive(Debug, Clone)]
pub(super) struct LocalCopy {
    pub(super) path: PathBuf,
    /// The name that the picture gets.
    pub(super) name: Option<String>,
    /// Whether its size was unknown before.
    pub(super) is_new: bool,
}

/// Gets pictures onto this machine.
#[derive(Debug)]
pub(super) struct Sources {
    fetcher: Fetcher,
    /// Made when it is needed; deleted with this value.
    folder: OnceCell<TempDir>,
}

impl Sources {
    /// Sources with this downloader.
    pub(super) fn new(fetcher: Fetcher) -> Self {
        Self {
            fetcher,
            folder: OnceCell::new(),
        }
    }

    /// A file with the bytes of the picture.
    ///
    /// # Errors
    /// Why there is none; the outer error concerns the whole run.
    pub(super) async fn local_copy(
        &self,
        source: &Source,
    ) -> anyhow::Result<Result<LocalCopy, RowError>> {
        match source {
            Source::File(path) => Ok(Ok(LocalCopy {
                name: path
                    .file_name()
                    .map(|name| name.to_string_lossy().into_owned()),
                path: path.clone(),
                is_new: false,
            })),
            Source::Address(url) => {
                let path = self.temporary_file().await?;
                let name = match self.fetcher.fetch(url, &path).await {
                    Ok(name) => name,
                    Err(error) => {
                        return Ok(Err(RowError::new("not-downloaded", error.to_string())));
                    }
                };
                Ok(Ok(LocalCopy {
                    path,
                    name,
                    is_new: true,
                }))
            }
            Source::Stdin(name) => {
                let path = self.temporary_file().await?;
                let file = path.clone();
                let read = spawn_blocking(move || read_stdin(&file)).await??;
                Ok(read.map(|()| LocalCopy {
                    path,
                    name: name.clone(),
                    is_new: true,
                }))
            }
        }
    }

    async fn temporary_file(&self) -> anyhow::Result<PathBuf> {
        let folder = self
            .folder
            .get_or_try_init(async || tempfile::tempdir())
            .await
            .context("cannot make a temporary folder")?;
        Ok(folder.path().join(uuid::Uuid::new_v4().to_string()))
    }
}

/// Writes standard input to a file. Blocks.
fn read_stdin(path: &Path) -> anyhow::Result<Result<(), RowError>> {
    let mut input = std::io::stdin().lock().take(MAX_FILE_BYTES + 1);
    let length = File::create(path)
        .and_then(|mut file| std::io::copy(&mut input, &mut file))
        .context("cannot save standard input in a temporary file")?;
    if length > MAX_FILE_BYTES {
        let reason = format!(
            "standard input is larger than the limit: {}",
            over_limit(length, MAX_FILE_BYTES)
        );
        return Ok(Err(RowError::new("too-large", reason)));
    }
    Ok(Ok(()))
}

/// Whether a person would have to type the picture.
pub(super) fn stdin_is_terminal() -> bool {
    std::io::stdin().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_paths_addresses_or_standard_input() {
        let parse = |text: &str| Argument::parse(Path::new(text));
        assert_eq!(parse("-").unwrap(), Argument::Stdin);
        assert_eq!(parse("./-").unwrap(), Argument::Path(PathBuf::from("./-")));
        assert_eq!(
            parse("a/http.jpg").unwrap(),
            Argument::Path(PathBuf::from("a/http.jpg"))
        );
        assert!(matches!(
            parse("HTTPS://p.example/a.jpg").unwrap(),
            Argument::Address(_)
        ));
        assert!(parse("https://").is_err());
    }

    #[test]
    fn a_report_never_shows_the_query_of_an_address() {
        let shown = |text: &str| Source::Address(Url::parse(text).unwrap()).to_string();
        assert_eq!(
            shown("https://p.example/a b.jpg?X-Amz-Signature=secret#x"),
            "https://p.example/a%20b.jpg?…"
        );
        assert_eq!(shown("https://p.example/a.jpg"), "https://p.example/a.jpg");
        assert_eq!(Source::Stdin(None).to_string(), "-");
    }
}
