//! How a provider is called.

use std::error::Error;
use std::fmt;

use async_trait::async_trait;

/// The most that is read of an answer, in bytes. Documents of providers have a few thousand.
pub const ANSWER_MAX: usize = 256 << 10;

/// Calls providers.
///
/// # Contract
///
/// - An answer is read up to [`ANSWER_MAX`] and no further; a larger one is [`Unreachable`].
/// - A call ends within seconds, however slowly the other side speaks.
/// - No redirect is followed: what answers is what was called.
/// - By https, the certificate is verified; an address that may not be called is not.
#[async_trait]
pub trait Network: fmt::Debug + Send + Sync {
    /// `GET`, asking for JSON.
    async fn get(&self, url: &str) -> Result<Reply, Unreachable>;

    /// `POST` of a form, with the value of `Authorization` where there is one.
    async fn post_form(
        &self,
        url: &str,
        authorization: Option<&str>,
        form: String,
    ) -> Result<Reply, Unreachable>;
}

/// What was answered.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// There was no answer that could be read.
#[derive(Debug, thiserror::Error)]
#[error("it cannot be reached")]
pub struct Unreachable(#[source] pub Box<dyn Error + Send + Sync>);
