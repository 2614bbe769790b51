//! Why a provider's word was not taken.

use crate::network::Unreachable;

/// Why a sign-in or a logout by a provider did not come about.
///
/// The variants differ in what the caller does next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FederationError {
    /// The provider does not answer, or was asked a moment ago and did not. Try again.
    #[error("the provider does not answer")]
    Unavailable(#[source] Option<Unreachable>),
    /// What the provider publishes or answers is not what the standard asks of it. An operator has
    /// to look at it.
    #[error("the provider is not as it should be")]
    Provider(#[from] ProviderFault),
    /// The provider did not sign the person in. The person may try again.
    #[error("the provider did not sign in")]
    Declined,
    /// What came back does not belong to what was begun in this browser. Begin again.
    #[error("the answer does not belong to what was asked")]
    Foreign,
    /// A token is not to be believed.
    #[error("the token is refused")]
    Token(#[from] TokenFault),
}

/// What is wrong with a provider.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderFault {
    /// It answered with an error.
    #[error("{what} answered {status}")]
    Status {
        /// What was asked.
        what: &'static str,
        /// The status.
        status: u16,
    },
    /// What it answered cannot be read.
    #[error("{what} is unreadable")]
    Unreadable {
        /// What was asked.
        what: &'static str,
        /// What the decoder said.
        source: serde_json::Error,
    },
    /// It speaks of itself under another name than the one it was asked by.
    #[error("its issuer is another than the one that is set")]
    Issuer,
    /// An address that it names may not be used.
    #[error("its {0} is no address that may be used")]
    Endpoint(&'static str),
    /// It signs with nothing that is accepted here.
    #[error("it signs by none of the algorithms that are accepted")]
    Algorithms,
    /// It has no page to sign out at.
    #[error("it names no end_session_endpoint")]
    NoSignOut,
}

/// What is wrong with a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenFault {
    /// It is no signed JWT, or a part of it says something twice.
    #[error("it is not a signed JWT")]
    Malformed,
    /// It is longer than any is.
    #[error("it is too long")]
    TooLong,
    /// Its algorithm is not one that this provider signs by, and we take.
    #[error("its alg is not accepted")]
    Algorithm,
    /// It asks for something to be understood that is not.
    #[error("its crit is not understood")]
    Critical,
    /// No key of the provider goes with it.
    #[error("no key of the provider is meant by its kid")]
    UnknownKey,
    /// The signature is not the provider's.
    #[error("its signature is wrong")]
    Signature,
    /// It is a token of another kind.
    #[error("its typ is that of another kind of token")]
    Kind,
    /// A claim is missing, of another type, or too long.
    #[error("its {0} is missing or cannot be read")]
    Claim(&'static str),
    /// It is by another provider.
    #[error("its iss is another provider")]
    Issuer,
    /// It is not, or not only, for us.
    #[error("its aud is not this client alone")]
    Audience,
    /// It was given out to another client.
    #[error("its azp is another client")]
    AuthorizedParty,
    /// Its time is over.
    #[error("it has expired")]
    Expired,
    /// It was issued later than now, or too long ago.
    #[error("its iat is not a moment ago")]
    IssuedAt,
    /// It answers another request.
    #[error("its nonce is another")]
    Nonce,
    /// It has a nonce, as only ID tokens have.
    #[error("it has a nonce")]
    HasNonce,
    /// It tells of events, as only logout tokens do.
    #[error("it tells of events")]
    HasEvents,
    /// It does not tell of a logout.
    #[error("its events do not name a back-channel logout")]
    NoLogout,
    /// It names neither a session nor a subject.
    #[error("it has neither sid nor sub")]
    Nobody,
    /// Identity was proved longer ago than was asked for.
    #[error("its auth_time is too long ago")]
    Stale,
    /// The provider vouches for nobody any more by it.
    #[error("its session_expiry has passed")]
    VouchedNoLonger,
}
