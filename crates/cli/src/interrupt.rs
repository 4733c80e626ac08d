//! Ctrl-C and SIGTERM for commands that finish what is in hand.

use tokio::sync::watch;

use crate::exit::Outcome;

/// Becomes true when the person, or the system, wants the command to stop. A second time ends the process at once.
pub(crate) fn watch() -> watch::Receiver<bool> {
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        next().await;
        stop.send_replace(true);
        next().await;
        std::process::exit(i32::from(Outcome::Interrupted.code()));
    });
    stopped
}

/// Waits until it is true.
pub(crate) async fn happened(stopped: &mut watch::Receiver<bool>) {
    if stopped.wait_for(|stop| *stop).await.is_err() {
        // Nobody is left who could say so.
        std::future::pending::<()>().await;
    }
}

#[cfg(unix)]
async fn next() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn next() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
