//! The stable codes of problem documents.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What went wrong, in a word that programs can rely on.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemCode {
    /// The HTTP itself is not well-formed.
    BadRequest,
    /// More than one credential was presented, and none is better than another.
    AmbiguousCredentials,
    /// The API key is missing or wrong.
    Unauthenticated,
    /// The token opens no session.
    NoSession,
    /// A scope is missing, the tenant is another one's, or the origin is refused.
    Forbidden,
    /// The subject may not sign in.
    SubjectDisabled,
    /// The policy lets nobody in from a device it does not know.
    DeviceNotTrusted,
    /// The session belongs to another subject than the one named.
    WrongSubject,
    /// The session is bound to another device.
    DeviceMismatch,
    /// Identity must be proved again, or better.
    StepUpRequired,
    /// There is no such thing, or it is not the caller's to see.
    NotFound,
    /// The method is not for this address.
    MethodNotAllowed,
    /// The request did not arrive in time.
    RequestTimeout,
    /// There is no free seat.
    SessionLimit,
    /// It worked once, and works only once.
    AlreadyUsed,
    /// Somebody has that name already.
    NameTaken,
    /// What came after this cursor is no longer kept.
    CursorExpired,
    /// The evidence is older than the last change of credentials.
    StaleGeneration,
    /// Another policy came between.
    StalePolicy,
    /// The body is larger than what is read.
    PayloadTooLarge,
    /// The body is not JSON by its content type.
    UnsupportedMediaType,
    /// The body or the query says something that cannot be done.
    InvalidRequest,
    /// There were too many sign-ins in too short a time.
    TooManySignIns,
    /// As many as may are listening live already.
    TooManyStreams,
    /// As many bulk revocations as may wait already.
    TooManyRevocations,
    /// The header block is larger than what is read.
    HeaderTooLarge,
    /// A defect of ours.
    Internal,
    /// Whether it was done is not known, or nobody could do it now. Repeat.
    Unavailable,
}

impl ProblemCode {
    /// The status it comes with, unless the call says otherwise.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::BadRequest | Self::AmbiguousCredentials => 400,
            Self::Unauthenticated | Self::NoSession => 401,
            Self::Forbidden
            | Self::SubjectDisabled
            | Self::DeviceNotTrusted
            | Self::WrongSubject
            | Self::DeviceMismatch
            | Self::StepUpRequired => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::RequestTimeout => 408,
            Self::SessionLimit | Self::AlreadyUsed | Self::NameTaken => 409,
            Self::CursorExpired => 410,
            Self::StaleGeneration | Self::StalePolicy => 412,
            Self::PayloadTooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::InvalidRequest => 422,
            Self::TooManySignIns | Self::TooManyStreams | Self::TooManyRevocations => 429,
            Self::HeaderTooLarge => 431,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }

    /// The word itself, as in the member `code`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "bad-request",
            Self::AmbiguousCredentials => "ambiguous-credentials",
            Self::Unauthenticated => "unauthenticated",
            Self::NoSession => "no-session",
            Self::Forbidden => "forbidden",
            Self::SubjectDisabled => "subject-disabled",
            Self::DeviceNotTrusted => "device-not-trusted",
            Self::WrongSubject => "wrong-subject",
            Self::DeviceMismatch => "device-mismatch",
            Self::StepUpRequired => "step-up-required",
            Self::NotFound => "not-found",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::RequestTimeout => "request-timeout",
            Self::SessionLimit => "session-limit",
            Self::AlreadyUsed => "already-used",
            Self::StaleGeneration => "stale-generation",
            Self::StalePolicy => "stale-policy",
            Self::PayloadTooLarge => "payload-too-large",
            Self::UnsupportedMediaType => "unsupported-media-type",
            Self::InvalidRequest => "invalid-request",
            Self::TooManySignIns => "too-many-sign-ins",
            Self::TooManyStreams => "too-many-streams",
            Self::TooManyRevocations => "too-many-revocations",
            Self::NameTaken => "name-taken",
            Self::CursorExpired => "cursor-expired",
            Self::HeaderTooLarge => "header-too-large",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
        }
    }

    /// A sentence for people, the same for every problem of this kind (RFC 9457, 3.1.3).
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::BadRequest => "The request is not well-formed.",
            Self::AmbiguousCredentials => "More than one credential was presented.",
            Self::Unauthenticated => "The API key is missing or wrong.",
            Self::NoSession => "The token opens no session.",
            Self::Forbidden => "The caller may not do this.",
            Self::SubjectDisabled => "The subject may not sign in.",
            Self::DeviceNotTrusted => "The device is not trusted for this.",
            Self::WrongSubject => "The session belongs to another subject.",
            Self::DeviceMismatch => "The session is bound to another device.",
            Self::StepUpRequired => "A fresh or stronger sign-in is needed.",
            Self::NotFound => "There is nothing here.",
            Self::MethodNotAllowed => "The method is not allowed here.",
            Self::RequestTimeout => "The request did not arrive in time.",
            Self::SessionLimit => "No more sessions can be opened.",
            Self::AlreadyUsed => "This was used before and works once.",
            Self::StaleGeneration => "The credentials have changed since.",
            Self::StalePolicy => "The policy has changed since.",
            Self::PayloadTooLarge => "The body is too large.",
            Self::UnsupportedMediaType => "The body must be JSON.",
            Self::InvalidRequest => "The request is not valid.",
            Self::TooManySignIns => "There were too many sign-ins.",
            Self::TooManyStreams => "Too many are listening already.",
            Self::TooManyRevocations => "Too many bulk revocations are waiting already.",
            Self::NameTaken => "Somebody has that name already.",
            Self::CursorExpired => "What came after this cursor is no longer kept.",
            Self::HeaderTooLarge => "The header block is too large.",
            Self::Internal => "Something went wrong on our side.",
            Self::Unavailable => "The answer is not known now; try again.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_any_code_when_written_then_it_is_the_word_that_as_str_gives() {
        for code in [
            ProblemCode::BadRequest,
            ProblemCode::AmbiguousCredentials,
            ProblemCode::Unauthenticated,
            ProblemCode::NoSession,
            ProblemCode::Forbidden,
            ProblemCode::SubjectDisabled,
            ProblemCode::DeviceNotTrusted,
            ProblemCode::WrongSubject,
            ProblemCode::DeviceMismatch,
            ProblemCode::StepUpRequired,
            ProblemCode::NotFound,
            ProblemCode::MethodNotAllowed,
            ProblemCode::RequestTimeout,
            ProblemCode::SessionLimit,
            ProblemCode::AlreadyUsed,
            ProblemCode::StaleGeneration,
            ProblemCode::StalePolicy,
            ProblemCode::PayloadTooLarge,
            ProblemCode::UnsupportedMediaType,
            ProblemCode::InvalidRequest,
            ProblemCode::TooManySignIns,
            ProblemCode::TooManyStreams,
            ProblemCode::TooManyRevocations,
            ProblemCode::CursorExpired,
            ProblemCode::HeaderTooLarge,
            ProblemCode::Internal,
            ProblemCode::Unavailable,
        ] {
            let written = serde_json::to_value(code).expect("a code is written");

            assert_eq!(written, code.as_str());
        }
    }
}
