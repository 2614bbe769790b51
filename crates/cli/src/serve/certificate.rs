//! The certificate of the listener, read again when it changes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use innkeeper_http::server::{Reloaded, Tls};
use tokio::signal::unix::{SignalKind, signal};

use crate::config::Config;
use crate::exit::Failure;
use crate::trust;

/// How often the files are looked at. They are read whole: whoever renews a certificate may set
/// its times, or change where a link leads.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Reads the certificate and key of the configuration, if it names them.
pub(crate) fn load(config: &Config) -> Result<Option<Arc<Tls>>, Failure> {
    // One without the other was refused when the configuration was read.
    let (Some(certificate), Some(key)) = (&config.tls.cert_file, &config.tls.key_file) else {
        return Ok(None);
    };
    Tls::load(certificate, key)
        .map(|tls| Some(Arc::new(tls)))
        .map_err(|error| Failure::refused("configuration refused: server.tls", error))
}

/// Says that the certificate in this file does not hold now, if so; once for each reason.
pub(super) fn warn_if_lapsed(file: &Path, said: &mut Option<String>) {
    let lapsed = trust::own_lapsed(file);
    if let Some(why) = lapsed.as_ref().filter(|_| *said != lapsed) {
        tracing::warn!("{why}");
    }
    *said = lapsed;
}

/// Reads them again when they change, or when told by SIGHUP. Never returns.
pub(super) async fn follow(tls: Arc<Tls>, file: PathBuf, mut said: Option<String>) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut told = signal(SignalKind::hangup())
        .inspect_err(|error| tracing::warn!(%error, "SIGHUP is not heard"))
        .ok();
    loop {
        let hung_up = async {
            match &mut told {
                Some(told) => told.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = ticks.tick() => {}
            _ = hung_up => {}
        }
        let reading = Arc::clone(&tls);
        let mut read = tokio::task::spawn_blocking(move || reading.reload());
        let done = loop {
            if let Ok(done) = tokio::time::timeout(LOOK_EVERY, &mut read).await {
                break done;
            }
            // Such as a file system over a network that does not answer.
            tracing::error!("the certificate cannot be read yet: the old one stays");
        };
        match done {
            Ok(Ok(Reloaded::Same)) => {}
            Ok(Ok(Reloaded::Changed)) => tracing::info!("the new certificate is in force"),
            Ok(Err(error)) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "the new certificate is not used: the old one stays");
            }
            Err(error) => tracing::error!(%error, "the certificate cannot be read"),
        }
        let looked = file.clone();
        let told = tokio::task::spawn_blocking(move || {
            warn_if_lapsed(&looked, &mut said);
            said
        });
        said = told.await.unwrap_or_default();
    }
}
