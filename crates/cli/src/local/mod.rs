//! `sightline local`: both functions, the pages, the AWS endpoint, and the poller between queue and processor, in one
//! process. The functions use the endpoint over HTTP, as they use AWS.

mod answers;
mod args;
mod banner;
mod batch;
pub(crate) mod clients;
mod credentials;
mod endpoints;
mod guard;
mod guests;
mod listen;
mod metrics;
mod models;
mod pages;
mod poller;
mod private_file;
mod processor;
mod ready_file;
mod recognisers;
mod retention;
mod settings;

use std::{
    io::{self, IsTerminal, Write},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use axum::{Router, body::Body, http::Request};
use sightline_local_aws::{Guard, Lane, LocalAws};
use sightline_pipeline::{Analyses, config::Buckets, index::SqliteIndex};
use sightline_upload_api::{AnnouncedIndex, Api, Events};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tower::ServiceExt;

pub(crate) use self::args::LocalArgs;
use self::{
    banner::Banner,
    batch::EventSource,
    endpoints::{Endpoints, REGION},
    pages::Pages,
    poller::Concurrency,
    processor::LocalProcessor,
    recognisers::Recognisers,
};
use crate::{output::When, signals::Signals};

/// The time that responses in progress have after the server is stopped.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(30);

/// Serves until Ctrl-C, then finishes the work in progress.
///
/// # Errors
/// When the server cannot start or continue. The message says what to do.
pub(crate) async fn run(args: LocalArgs) -> anyhow::Result<()> {
    let listener = listen::bind(SocketAddr::new(args.host, args.port)).await?;
    let port = listener.local_addr()?.port();
    let public_host = endpoints::public_host(args.public_host.as_deref(), args.host);
    let api_url = endpoints::url(&public_host, port);
    let recognisers = recognisers::load(&args, REGION).await?;
    let analyses = recognisers.analyses(&args);
    let recognition = settings::analyses(&args, &recognisers)?;
    let keys = credentials::load_or_create(&args.data_dir)?;

    let origins = settings::page_origins(&api_url, port, &args.allowed_origins);
    let aws_settings = settings::aws_endpoint(&args, &recognisers, &keys, origins.clone());
    let buckets = Buckets {
        input: aws_settings.input_bucket.clone(),
        output: aws_settings.output_bucket.clone(),
    };
    let aws = listen::start_aws(aws_settings).await?;
    // From here on, both ports and the data folder belong to this process. Before, the ready file and the index could have
    // been those of another one.
    if let Some(file) = &args.ready_file {
        ready_file::remove(file)?;
    }
    let events = Events::default();
    let index = SqliteIndex::open(&args.data_dir.index_file())?;
    let index = AnnouncedIndex::new(index, events.clone());
    let aws_port = aws.address().port();
    let endpoints = Endpoints {
        api: api_url,
        aws: endpoints::url(&public_host, aws_port),
        buckets,
        region: REGION.to_owned(),
        credentials: keys.user.clone(),
        identity_pool: args.guests.then(|| keys.guests.id().to_owned()),
    };

    let own_aws_url = endpoints::url(&endpoints::own_host(args.host).to_string(), aws_port);
    let [for_api, for_processor] = [&keys.upload_api, &keys.processor]
        .map(|keys| clients::clients(&own_aws_url, REGION, keys));
    // Other machines use the signed URLs, so these have the public host.
    let presigner = clients::clients(&endpoints.aws, REGION, &keys.upload_api).presigner;
    let guests = args.guests.then_some(&keys.guests);
    let upload_api = Api::new(
        settings::upload_api(
            &args,
            endpoints.buckets.clone(),
            analyses.clone(),
            recognition.clone(),
            guests,
        ),
        for_api.store,
        presigner,
        for_api.recogniser,
        Some(index.clone()),
    );
    let upload_api = match guests {
        None => upload_api.with_events(events.clone()),
        // A browser cannot sign its request for a stream.
        Some(_) => upload_api,
    };
    let retention_index = index.clone();
    let processor = LocalProcessor::new(
        settings::processor(endpoints.buckets.clone(), analyses.clone(), recognition),
        for_processor.store,
        for_processor.recogniser,
        index,
        clients::message_visibility(&own_aws_url, REGION, &keys.processor),
    );
    let api = sightline_upload_api::router(Arc::new(upload_api));
    let api = match guests {
        None => api,
        Some(pool) => guests::add_to(api, pool.clone()),
    };
    let api = metrics::add_to(api);
    let pages = Pages::new(&endpoints, args.max_upload_bytes, &analyses)?;
    let own = Guard::new(args.host, settings::host_names(&args), origins);
    let app = guard::guard(own, pages.add_to(api));

    let (stop, stopped) = watch::channel(false);
    let server = serve(listener, app, stopped.clone());
    let mut signals = Signals::catch().context("cannot listen for Ctrl-C")?;
    if let Some(file) = &args.ready_file {
        ready_file::write(file, &endpoints)?;
    }
    print_banner(&args, &endpoints, &recognisers, &analyses);
    if let Some(days) = args.results_days {
        let store = clients::clients(&own_aws_url, REGION, &keys.user).store;
        let output = endpoints.buckets.output.clone();
        tokio::spawn(retention::run(
            store,
            retention_index,
            output,
            days,
            stopped.clone(),
        ));
    }
    let processor = Arc::new(processor);
    let poll = |lane: Lane, concurrency| {
        let source = EventSource {
            region: REGION.to_owned(),
            arn: format!("arn:aws:sqs:{REGION}:000000000000:{}", lane.queue_name()),
        };
        let processor = Arc::clone(&processor);
        tokio::spawn(poller::run(
            aws.lane(lane),
            concurrency,
            processor,
            source,
            stopped.clone(),
        ))
    };
    let pollers = [
        poll(Lane::Uploads, Concurrency::uploads()),
        poll(Lane::Bulk, Concurrency::bulk()),
    ];

    signals.next().await;
    eprintln!("\nFinishing the work in progress. Press Ctrl-C again to stop at once.");
    tokio::spawn(signals.exit_at_next());
    // Its URLs stop working, and it contains the secret key.
    let removed = args
        .ready_file
        .as_deref()
        .map_or(Ok(()), ready_file::remove);
    events.close();
    shut_down(&stop, server, pollers, aws).await?;
    removed
}

fn serve(listener: TcpListener, app: Router, stopped: watch::Receiver<bool>) -> JoinHandle<()> {
    let respond = move |_, request: Request<_>| {
        let app = app.clone();
        async move {
            match app.oneshot(request.map(Body::new)).await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        }
    };
    tokio::spawn(sightline_local_aws::serve(listener, respond, stopped))
}

/// Stops server and pollers, waits for their work in progress, and then closes the AWS endpoint, which both need.
async fn shut_down(
    stop: &watch::Sender<bool>,
    mut server: JoinHandle<()>,
    pollers: [JoinHandle<()>; 2],
    aws: LocalAws,
) -> anyhow::Result<()> {
    stop.send_replace(true);
    let served = tokio::time::timeout(SHUTDOWN_TIMEOUT, &mut server).await;
    server.abort();
    let [uploads, bulk] = pollers;
    let polled = (uploads.await, bulk.await);
    aws.shutdown().await;
    if let Ok(served) = served {
        served?;
    }
    polled.0?;
    Ok(polled.1?)
}

/// Prints the banner. Ignores errors, because a closed standard output is no reason to stop.
fn print_banner(
    args: &LocalArgs,
    endpoints: &Endpoints,
    recognisers: &Recognisers,
    analyses: &Analyses,
) {
    let mut out = io::stdout().lock();
    let data_dir = args.data_dir.path();
    let data_dir = std::path::absolute(data_dir).unwrap_or_else(|_| data_dir.to_owned());
    let banner = Banner {
        endpoints,
        data_dir: &data_dir,
        picture: banner::sample_picture(),
        recognisers,
        analyses,
        is_public: !args.host.is_loopback(),
        colours: When::Auto.colours(out.is_terminal()),
    };
    let _ = write!(out, "{banner}").and_then(|()| out.flush());
}
