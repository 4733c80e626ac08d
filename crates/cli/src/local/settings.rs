//! The settings of the two functions and of the AWS endpoint, from the arguments.

use std::{net::SocketAddr, sync::Arc};

use sightline_local_aws::{BucketCors, GuestPool, Settings};
use sightline_pipeline::{
    Analyses,
    config::{Access, AllowedOrigins, Buckets, OriginSecrets, ProcessorConfig, UploadApiConfig},
    recognition, retries,
};

use super::{
    args::LocalArgs,
    credentials::Keys,
    endpoints::{self, REGION},
    recognisers::{self, Recognisers},
};

/// How long an upload URL is valid, in seconds; the default on AWS, too.
const UPLOAD_URL_SECONDS: u64 = 300;
/// How long a result URL is valid, in seconds; the default on AWS, too.
const RESULT_URL_SECONDS: u64 = 900;

/// Settings of the AWS endpoint.
pub(super) fn aws_endpoint(
    args: &LocalArgs,
    recognisers: &Recognisers,
    keys: &Keys,
    origins: Vec<String>,
) -> Settings {
    let mut settings = Settings::new(args.data_dir.path(), Arc::clone(&recognisers.vision));
    settings.region = REGION.to_owned();
    settings.custom_models.clone_from(&recognisers.custom);
    settings.listen = SocketAddr::new(args.host, args.aws_port);
    settings.credentials = keys.user.clone();
    settings.more_credentials = vec![keys.upload_api.clone(), keys.processor.clone()];
    settings.max_receive_count = retries::MAX_RECEIVES;
    settings.accept_database = args.accept_database;
    settings.versioning = args.versioning;
    settings.host_names = host_names(args);
    settings.guests = args.guests.then(|| keys.guests.clone());
    settings.cors = vec![
        BucketCors::for_uploads(&settings.input_bucket, origins.clone()),
        BucketCors::for_downloads(&settings.output_bucket, origins),
    ];
    settings
}

/// The names of this service beside those of this machine.
pub(super) fn host_names(args: &LocalArgs) -> Vec<String> {
    let names = args.allowed_host.iter().chain(&args.public_host);
    names.cloned().collect()
}

/// Settings of the analyses.
///
/// # Errors
/// When the model for custom labels is not registered.
pub(super) fn analyses(
    args: &LocalArgs,
    recognisers: &Recognisers,
) -> anyhow::Result<recognition::Settings> {
    Ok(recognition::Settings {
        min_confidence: args.min_confidence,
        max_labels: args.max_labels,
        thumbnail_px: args.thumbnail_px,
        preview_px: args.preview_px,
        custom_labels_arn: recognisers::custom_labels_arn(args, &recognisers.custom)?,
        ..recognition::Settings::default()
    })
}

/// Settings of the upload API.
pub(super) fn upload_api(
    args: &LocalArgs,
    buckets: Buckets,
    analyses: Analyses,
    settings: recognition::Settings,
    guests: Option<&GuestPool>,
) -> UploadApiConfig {
    UploadApiConfig {
        buckets,
        access: match guests {
            None => Access::Open,
            Some(_) => Access::Owner,
        },
        analyses,
        max_upload_bytes: args.max_upload_bytes,
        upload_url_seconds: UPLOAD_URL_SECONDS,
        result_url_seconds: RESULT_URL_SECONDS,
        image_requests: true,
        delete_versions: args.versioning,
        allowed_origins: args.allowed_origins.clone(),
        origin_secrets: OriginSecrets::default(),
        guest_identity_pool: guests.map(|pool| pool.id().to_owned()),
        settings,
    }
}

/// Settings of the processor.
pub(super) fn processor(
    buckets: Buckets,
    analyses: Analyses,
    settings: recognition::Settings,
) -> ProcessorConfig {
    ProcessorConfig {
        buckets,
        analyses,
        settings,
    }
}

/// The origins whose pages may use the API and the buckets: this server's under each of its names, and the allowed ones.
pub(super) fn page_origins(api: &str, port: u16, allowed: &AllowedOrigins) -> Vec<String> {
    let mut origins = vec![api.to_owned()];
    for host in ["127.0.0.1", "localhost", "::1"] {
        let origin = endpoints::url(host, port);
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    match allowed {
        AllowedOrigins::None => {}
        AllowedOrigins::Any => origins = vec!["*".to_owned()],
        AllowedOrigins::List(list) => origins.extend(list.iter().cloned()),
    }
    origins
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_may_use_the_buckets_under_every_name_of_this_machine() {
        assert_eq!(
            page_origins("http://127.0.0.1:1", 1, &AllowedOrigins::None),
            ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"]
        );
        let list = AllowedOrigins::List(vec!["http://localhost:3000".to_owned()]);
        let origins = page_origins("http://pictures.local:1", 1, &list);
        assert_eq!(
            origins.first().map(String::as_str),
            Some("http://pictures.local:1")
        );
        assert_eq!(
            origins.last().map(String::as_str),
            Some("http://localhost:3000")
        );
        assert_eq!(
            page_origins("http://127.0.0.1:1", 1, &AllowedOrigins::Any),
            ["*"]
        );
    }
}
