//! `sightline local`: both functions, the pages, the AWS endpoint and the pump between queue and processor, in one
//! process. The functions reach the endpoint over HTTP as they reach AWS.

pub(crate) mod clients;
mod credentials;
mod figures;
mod greeting;
mod hosts;
mod pages;
mod place;
mod private_file;
mod processor;
mod pump;
mod ready;
mod recognisers;
mod signals;

use crate::args::LocalArgs;
use anyhow::{Context, anyhow};
use axum::{body::Body, http::Request};
use greeting::Greeting;
use hosts::Hosts;
use pages::Pages;
use place::Place;
use recognisers::Recognisers;
use sightline_local_aws::{BucketCors, LocalAws, Settings, StartError};
use sightline_pipeline::{
    analyse,
    config::{Access, AllowedOrigins, Buckets, ProcessorConfig, UploadApiConfig},
    index::SqliteIndex,
};
use sightline_upload_api::Api;
use signals::Signals;
use std::{
    env,
    io::{self, ErrorKind, IsTerminal, Write},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tower::ServiceExt;

/// The region in addresses, events and ARNs; requests signed for another are taken too.
const REGION: &str = "us-east-1";
/// Where in the data folder the index lies.
pub(crate) const INDEX_FILE: &str = "index.sqlite3";
/// How long an upload address works, in seconds, as on AWS by default.
const UPLOAD_URL_SECONDS: u64 = 300;
/// How long a result address works, in seconds, as on AWS by default.
const RESULT_URL_SECONDS: u64 = 900;
/// How long answers in the making may hold up the end.
const FAREWELL: Duration = Duration::from_secs(30);
/// What a shell expects of a process that was interrupted.
const INTERRUPTED: i32 = 130;

/// Serves until it is asked to stop, then finishes what is in hand.
///
/// # Errors
/// One sentence that says why it does not serve, and what to do.
pub(crate) async fn run(args: LocalArgs) -> anyhow::Result<()> {
    let listener = listen(SocketAddr::new(args.host, args.port)).await?;
    let port = listener.local_addr()?.port();
    let public_host = place::public_host(args.public_host.as_deref(), args.host);
    let api = place::address(&public_host, port);
    let recognisers = recognisers::load(&args, REGION).await?;
    let questions = analyse::Settings {
        custom_labels_arn: recognisers::custom_labels_arn(&args, &recognisers.custom)?,
        ..questions(&args)
    };
    let mut settings = Settings::new(&args.data_dir, Arc::clone(&recognisers.labels));
    settings.region = REGION.to_owned();
    settings.custom_models.clone_from(&recognisers.custom);
    settings.tesseract.clone_from(&recognisers.tesseract);
    settings.listen = SocketAddr::new(args.host, args.aws_port);
    let keys = credentials::of(&args.data_dir)?;
    settings.credentials = keys.person;
    settings.more_credentials = vec![keys.upload_api.clone(), keys.processor.clone()];
    let origins = page_origins(&api, port, &args.allowed_origins);
    settings.cors = vec![
        BucketCors::for_uploads(&settings.input_bucket, origins.clone()),
        BucketCors::for_downloads(&settings.output_bucket, origins),
    ];
    let mut place = Place {
        api,
        aws: String::new(),
        input_bucket: settings.input_bucket.clone(),
        output_bucket: settings.output_bucket.clone(),
        region: settings.region.clone(),
        credentials: settings.credentials.clone(),
    };
    let aws = sightline_local_aws::start(settings)
        .await
        .map_err(cannot_start)?;
    // Not before both ports and the folder are this process's: until then the file may be that of one that runs.
    if let Some(file) = &args.ready_file {
        ready::forget(file)?;
    }
    let aws_port = aws.address().port();
    place.aws = place::address(&public_host, aws_port);

    // The folder is this process's by now.
    let index = SqliteIndex::open(&args.data_dir.join(INDEX_FILE))?;

    let inside = place::address(&place::own(args.host).to_string(), aws_port);
    let [for_api, for_processor] = [&keys.upload_api, &keys.processor]
        .map(|keys| clients::clients(&inside, &place.region, keys));
    // What is signed is read by others, who reach the endpoint by its public address.
    let outside = clients::clients(&place.aws, &place.region, &keys.upload_api);
    let upload_api = Api::new(
        upload_api_config(&args, &place, questions.clone()),
        for_api.store,
        outside.presigner,
        for_api.recogniser,
        Some(index.clone()),
    );
    let handler = processor::LocalProcessor::new(
        processor_config(&args, &place, questions),
        for_processor.store,
        for_processor.recogniser,
        index,
    );
    let app = Pages::new(&place.aws, args.max_upload_bytes)?.before(figures::before(
        sightline_upload_api::router(Arc::new(upload_api)),
    ));

    let (stop, stopped) = watch::channel(false);
    let named = args.allowed_host.iter().chain(&args.public_host).cloned();
    let app = Hosts::new(args.host, named).guard(app);
    let answer = move |_, request: Request<_>| {
        let app = app.clone();
        async move {
            match app.oneshot(request.map(Body::new)).await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        }
    };
    let server = tokio::spawn(sightline_local_aws::serve(
        listener,
        answer,
        stopped.clone(),
    ));
    let source = pump::Source {
        region: place.region.clone(),
        arn: format!("arn:aws:sqs:{}:000000000000:sightline", place.region),
    };
    let mut signals = Signals::catch().context("cannot listen for Ctrl-C")?;
    if let Some(file) = &args.ready_file {
        ready::write(file, &place)?;
    }
    greet(&args, &place, &recognisers);
    let pump = tokio::spawn(pump::run(aws.queue(), Arc::new(handler), source, stopped));

    signals.next().await;
    eprintln!("\nFinishing what is in hand; Ctrl-C once more ends at once.");
    tokio::spawn(async move {
        signals.next().await;
        std::process::exit(INTERRUPTED);
    });
    // It leads nowhere from here on, and it holds the secret.
    let forgotten = args.ready_file.as_deref().map_or(Ok(()), ready::forget);
    shut_down(&stop, server, pump, aws).await?;
    forgotten
}

/// Stops taking work, waits for what is in hand, and closes the endpoint last, because all else needs it.
async fn shut_down(
    stop: &watch::Sender<bool>,
    mut server: JoinHandle<()>,
    pump: JoinHandle<()>,
    aws: LocalAws,
) -> anyhow::Result<()> {
    stop.send_replace(true);
    let served = tokio::time::timeout(FAREWELL, &mut server).await;
    server.abort();
    let pumped = pump.await;
    aws.shutdown().await;
    if let Ok(served) = served {
        served?;
    }
    Ok(pumped?)
}

fn upload_api_config(
    args: &LocalArgs,
    place: &Place,
    settings: analyse::Settings,
) -> UploadApiConfig {
    UploadApiConfig {
        buckets: buckets(place),
        access: Access::Open,
        analyses: args.analyses.clone(),
        max_upload_bytes: args.max_upload_bytes,
        upload_url_seconds: UPLOAD_URL_SECONDS,
        result_url_seconds: RESULT_URL_SECONDS,
        allowed_origins: args.allowed_origins.clone(),
        settings,
    }
}

fn processor_config(
    args: &LocalArgs,
    place: &Place,
    settings: analyse::Settings,
) -> ProcessorConfig {
    ProcessorConfig {
        buckets: buckets(place),
        analyses: args.analyses.clone(),
        settings,
    }
}

fn questions(args: &LocalArgs) -> analyse::Settings {
    analyse::Settings {
        min_confidence: args.min_confidence,
        max_labels: args.max_labels,
        ..analyse::Settings::default()
    }
}

fn buckets(place: &Place) -> Buckets {
    Buckets {
        input: place.input_bucket.clone(),
        output: place.output_bucket.clone(),
    }
}

/// The origins whose pages may send to the buckets: this one's under each of its names, and those that were allowed.
fn page_origins(api: &str, port: u16, allowed: &AllowedOrigins) -> Vec<String> {
    let mut origins = vec![api.to_owned()];
    for host in ["127.0.0.1", "localhost", "::1"] {
        let origin = place::address(host, port);
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

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .map_err(|error| cannot_listen(address, "--port", error))
}

/// Says why nothing can be served at an address, and what to do.
fn cannot_listen(address: SocketAddr, option: &str, error: io::Error) -> anyhow::Error {
    let (ip, port) = (address.ip(), address.port());
    match error.kind() {
        ErrorKind::AddrInUse => anyhow!(
            "port {port} of {ip} is in use; stop the program that uses it, or choose another port with {option} (0 \
             takes a free one)"
        ),
        ErrorKind::PermissionDenied => {
            anyhow!(
                "port {port} of {ip} may not be used; choose one above 1023 with {option} (0 takes a free one)"
            )
        }
        ErrorKind::AddrNotAvailable => {
            anyhow!(
                "{ip} is no address of this machine; choose one that is with --host, such as 127.0.0.1 or 0.0.0.0"
            )
        }
        _ => anyhow::Error::new(error).context(format!("cannot listen on {address}")),
    }
}

fn cannot_start(error: StartError) -> anyhow::Error {
    match error {
        StartError::Listen { address, source } => cannot_listen(address, "--aws-port", source),
        StartError::InUse(folder) => anyhow!(
            "the data folder {} is in use; stop the `sightline local` that uses it, or choose another folder with --data-dir",
            folder.display()
        ),
        other => other.into(),
    }
}

/// Tells the person at the terminal; whoever closed it does not want to know.
fn greet(args: &LocalArgs, place: &Place, recognisers: &Recognisers) {
    let mut out = io::stdout().lock();
    let data_dir = std::path::absolute(&args.data_dir).unwrap_or_else(|_| args.data_dir.clone());
    let greeting = Greeting {
        place,
        data_dir: &data_dir,
        picture: greeting::sample_picture(),
        recognisers,
        analyses: &args.analyses,
        open: !args.host.is_loopback(),
        colours: out.is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    };
    let _ = write!(out, "{greeting}").and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn a_port_that_cannot_be_had_is_said_in_one_sentence() {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 4566));
        for (kind, said) in [
            (ErrorKind::AddrInUse, "4566"),
            (ErrorKind::AddrInUse, "--aws-port"),
            (ErrorKind::PermissionDenied, "above 1023 with --aws-port"),
            (ErrorKind::AddrNotAvailable, "--host"),
            (ErrorKind::Other, "cannot listen on 127.0.0.1:4566"),
        ] {
            let error = format!("{:#}", cannot_listen(address, "--aws-port", kind.into()));
            assert!(error.contains(said), "{error}");
            assert!(!error.contains('\n'));
        }
    }

    #[test]
    fn pages_may_send_from_every_name_of_this_machine() {
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
