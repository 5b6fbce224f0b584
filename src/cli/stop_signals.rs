//! Being asked to stop.

/// Tells when the process is asked to stop: Ctrl-C, or SIGTERM from whoever supervises it. One for the whole life of the
/// process: a signal that comes while nobody waits for it is not lost.
pub(super) struct StopSignals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl StopSignals {
    /// Begins to listen for them.
    ///
    /// # Errors
    /// When the system gives no notice of signals.
    pub(super) fn new() -> std::io::Result<Self> {
        #[cfg(unix)]
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            #[cfg(unix)]
            interrupt: signal(SignalKind::interrupt())?,
            #[cfg(unix)]
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Ends when the process is asked to stop, once more.
    ///
    /// # Errors
    /// When the system gives no notice of signals.
    pub(super) async fn next(&mut self) -> std::io::Result<()> {
        #[cfg(unix)]
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        #[cfg(not(unix))]
        tokio::signal::ctrl_c().await?;
        Ok(())
    }
}
