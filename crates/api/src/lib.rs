//! The JSON of the REST API as types.
//!
//! Names and shapes are those of the published API; what they mean is decided elsewhere. The
//! crate knows nothing of the domain: the server converts at its edge, and a client in Rust can
//! use these types as they stand. So requests and answers can all be read and written, requests
//! refuse members they do not know, and answers let unknown ones pass, since later versions of
//! the server may add some.

mod admit;
mod attributes;
mod check;
mod device;
mod event;
mod keys;
mod list;
mod me;
mod oauth;
mod patch;
mod policy;
mod problem;
mod problem_code;
mod revocation;
mod schema;
mod secret;
mod session;
mod strict;
mod subject;
mod text;
mod timestamp;
mod token;
mod users;
mod words;

pub use admit::{IssuedDevice, Notice, SignInAnswer, SignInRequest, SignInSummary};
pub use attributes::Attributes;
pub use check::{
    CheckAnswer, CheckBatchAnswer, CheckBatchGood, CheckBatchRequest, CheckBatchResult,
    CheckRequest, NoSession, NoSessionReason, StepUp, Unknown,
};
pub use device::{Device, DeviceList, DevicePatch, DeviceView, OwnDevicePatch, Place};
pub use event::{Event, EventDetails, EventPage, EventsQuery};
pub use keys::{KeyCreateRequest, KeyCreated, KeyPage, KeyView, KeysQuery, Scope};
pub use list::{
    EndSessionQuery, EndSessionsQuery, EndedCount, SessionPage, SessionsQuery, StateFilter,
    TenantQuery,
};
pub use me::{Me, MeQuery};
pub use oauth::{
    Introspection, IntrospectionQuery, OAuthError, OAuthErrorCode, RevocationQuery, TokenForm,
};
pub use patch::Change;
pub use policy::{PolicyTrial, PolicyTrialBar, PolicyTrialExample, PolicyTrialQuery};
pub use problem::{InvalidField, InvalidFields, LimitHit, Problem, SessionLimit};
pub use problem_code::ProblemCode;
pub use revocation::{
    Revocation, RevocationCount, RevocationList, RevocationRequest, RevocationState, SearchQuery,
    SessionFilter,
};
pub use schema::NULL_REFUSED;
pub use secret::{AnyToken, Secret, Ticket};
pub use session::Session;
pub use subject::{
    Contact, CredentialChangedAnswer, CredentialChangedRequest, FailureRequest, SubjectExport,
    SubjectLimits, SubjectPatch, SubjectView,
};
pub use text::{Text, bounded_list};
pub use timestamp::Timestamp;
pub use token::{ReauthenticatedRequest, RotateRequest, TokenAnswer};
pub use users::{NewPassword, PasswordRequest, UserCreateRequest, UserPage, UserView, UsersQuery};
pub use words::{
    Binding, BindingKind, Class, DeviceClass, EndReason, EndedBy, OrderedReason, SessionState,
};
