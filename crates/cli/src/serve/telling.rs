//! What is told of what goes on: the log, and in a build that sends them, traces.

use crate::config::Config;
use crate::exit::Failure;
use crate::log;
#[cfg(feature = "otel")]
use crate::telemetry::{self, Exporter};

/// The telling, which has a last word to say when all is over.
#[derive(Debug)]
pub(super) struct Telling {
    #[cfg(feature = "otel")]
    exporter: Option<Exporter>,
}

impl Telling {
    /// Starts it, as the configuration says.
    #[cfg(not(feature = "otel"))]
    #[expect(
        clippy::unnecessary_wraps,
        reason = "a build that sends traces may refuse to"
    )]
    pub(super) fn start(config: &Config) -> Result<Self, Failure> {
        log::start(&config.log);
        Ok(Self {})
    }

    /// Starts it, as the configuration says.
    #[cfg(feature = "otel")]
    pub(super) fn start(config: &Config) -> Result<Self, Failure> {
        let (traces, exporter) = telemetry::start(config)?.unzip();
        log::start(&config.log, traces);
        Ok(Self { exporter })
    }

    /// Says the last word.
    #[cfg_attr(
        not(feature = "otel"),
        expect(clippy::unused_async, reason = "a log has no last word, traces have")
    )]
    pub(super) async fn stop(self) {
        #[cfg(feature = "otel")]
        if let Some(exporter) = self.exporter {
            exporter.stop().await;
        }
    }
}
