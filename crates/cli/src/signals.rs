//! Ctrl-C and SIGTERM: the first lets a command finish its work in progress, the second stops it at once.

use std::io;

use tokio::sync::watch;

use crate::exit::Outcome;

/// Catches Ctrl-C and, on Unix, SIGTERM.
#[cfg(unix)]
pub(crate) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// From here on, neither signal ends the process by itself.
    ///
    /// # Errors
    /// When the system does not let the process catch signals.
    pub(crate) fn catch() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next signal.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Catches Ctrl-C.
#[cfg(not(unix))]
pub(crate) struct Signals;

#[cfg(not(unix))]
impl Signals {
    /// From here on, Ctrl-C does not end the process by itself.
    ///
    /// # Errors
    /// None.
    pub(crate) fn catch() -> io::Result<Self> {
        Ok(Self)
    }

    /// Waits for the next Ctrl-C.
    pub(crate) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Signals {
    /// Ends the process at the next signal.
    pub(crate) async fn exit_at_next(mut self) {
        self.next().await;
        std::process::exit(i32::from(Outcome::Interrupted.code()));
    }
}

/// A flag that becomes true at the first signal. The second signal ends the process.
///
/// # Errors
/// As [`Signals::catch`].
pub(crate) fn stop_flag() -> io::Result<watch::Receiver<bool>> {
    let mut signals = Signals::catch()?;
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        signals.next().await;
        stop.send_replace(true);
        signals.exit_at_next().await;
    });
    Ok(stopped)
}

/// Waits until the flag is true.
pub(crate) async fn stopped(mut flag: watch::Receiver<bool>) {
    if flag.wait_for(|stop| *stop).await.is_err() {
        // The sender is gone, so the flag never becomes true.
        std::future::pending::<()>().await;
    }
}
