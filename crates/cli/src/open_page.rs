//! `sightline open`: opens a picture's page in the browser.

use std::time::Duration;

use anyhow::anyhow;
use clap::Args;
use http::Method;
use sightline_pipeline::SourceKey;
use sightline_upload_api::{key_path, results_path};

use crate::{
    api::{Api, ApiArgs},
    exit::{CliError, Outcome},
    http::HttpClient,
    output,
    picture_name::{ACCEPTED, PictureName},
};

/// How long to wait for a browser to fail.
const BROWSER_TIMEOUT: Duration = Duration::from_secs(2);
/// The page of the gallery.
const GALLERY: &str = "/gallery.html";

/// `sightline open`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = format!("\
EXAMPLES
  Show a picture and its boxes in the gallery:
    sightline open uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg
  Only print the address:
    sightline open --print 0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11

{ACCEPTED}

  The browser signs in by itself; it does not get the access token.

EXIT CODES
  0  a browser was started, or the address was printed
  1  there is no gallery, no such picture or no browser
  2  invalid command line
  3  the service could not be reached
  4  the service rejected your credentials"))]
pub(crate) struct OpenArgs {
    /// The picture: its key, its image id, or an address that contains the key
    #[arg(value_name = "KEY")]
    picture: PictureName,

    #[command(flatten)]
    api: ApiArgs,

    /// Print the address instead of opening it
    #[arg(long)]
    print: bool,
}

/// Opens or prints the address.
///
/// # Errors
/// When the service has no gallery or no such picture, or no browser can be started.
pub(crate) async fn run(args: OpenArgs) -> anyhow::Result<Outcome> {
    let api = Api::new(&args.api, HttpClient::new())?;
    args.picture.check_service(api.base_url())?;
    let key = args.picture.key(&api).await?;
    if !may_exist(&api, &key).await? {
        return Err(args.picture.missing(&key, &api));
    }
    if !api.has_page(GALLERY).await? {
        return Err(anyhow!(
            "there is no gallery at {}{GALLERY}; set --api (or SIGHTLINE_API) to the address of the pages",
            api.base_url()
        ));
    }
    let address = address(api.base_url(), &key);
    if args.print {
        output::print_line(&address)?;
        return Ok(Outcome::Done);
    }
    open::that_detached_with_timeout(&address, BROWSER_TIMEOUT).map_err(|_| {
        anyhow!(
            "no browser could be started on this machine; open this address yourself: {address}"
        )
    })?;
    output::print_message(&format!("Opened {address}"));
    Ok(Outcome::Done)
}

/// Whether the service has the picture. Without a valid token it does not say: the browser signs in by itself.
async fn may_exist(api: &Api, key: &SourceKey) -> anyhow::Result<bool> {
    match api.send(Method::GET, &results_path(key), None).await {
        Ok(response) => Ok(response.status != 404),
        Err(error) => match error.downcast_ref() {
            Some(CliError::Denied(_)) => Ok(true),
            _ => Err(error),
        },
    }
}

/// The address of the gallery with this picture open.
fn address(base_url: &str, key: &SourceKey) -> String {
    format!("{base_url}{GALLERY}#{}", key_path(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_has_the_key_as_the_gallery_reads_it() {
        for (key, expected) in [
            (
                "uploads/a b+c.jpg",
                "https://p.example/gallery.html#uploads/a%20b%2Bc.jpg",
            ),
            (
                "uploads/../up.png",
                "https://p.example/gallery.html#uploads%2F..%2Fup.png",
            ),
        ] {
            let key = SourceKey::new(key).unwrap();
            assert_eq!(address("https://p.example", &key), expected);
            assert_eq!(
                expected.parse(),
                Ok(PictureName::Key(key, Some("https://p.example".to_owned())))
            );
        }
    }
}
