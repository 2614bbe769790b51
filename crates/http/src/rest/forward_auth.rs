//! `/forward-auth`: may the request that a proxy holds go on?

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{HeaderMap, HeaderValue, LOCATION, VARY};
use http::{Extensions, StatusCode};
use innkeeper_api::{Problem, ProblemCode};
use innkeeper_domain::check::{Demand, Shortfall, Shown};
use innkeeper_domain::session::Ending;
use innkeeper_domain::token::SessionToken;
use innkeeper_engine::check::{Activity, CheckAnswer, CheckRequest, Checked, Renewal};

use crate::credentials::Credential;
use crate::forward_auth::{
    Asker, Dialect, Forbidden, ForwardAuth, HeaderNames, Holder, Identity, Original, Place,
    Unreadable, Verdict, Visit, judge,
};
use crate::layer::Door;
use crate::openapi::{Operation, Proof};
use crate::problem::ProblemAnswer;
use crate::rest::PREFIX;
use crate::route::{Answer, Part, Route};
use crate::server::Peer;
use crate::wire;

/// What an answer depends on, besides the address.
const VARIES_BY: HeaderValue = HeaderValue::from_static("Accept, Authorization, Cookie");

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::any(
            "/forward-auth",
            forwarded,
            "forwardAuth",
            "Say whether the request that a proxy holds may go on",
        )
        .detail(
            "For proxies listed in `server.trusted_peers`, which name it in `X-Forwarded-Method` \
             and `X-Forwarded-Uri`, and pass on its cookies, `Authorization` and `Accept`. Any \
             method is answered alike; a body is not read. The names of the headers in the answer \
             can be set.",
        )
        .refuses(&REFUSALS)
        .refuses_with(403, ProblemCode::AmbiguousCredentials),
        Route::any(
            "/forward-auth/nginx",
            nginx,
            "forwardAuthNginx",
            "Say the same in the statuses that nginx passes on",
        )
        .detail(
            "Names the request in `X-Original-Method` and `X-Original-URI`. Never 303: who would \
             be sent to sign in is told 401, with the same `Location`.",
        )
        .refuses(&REFUSALS)
        .refuses_with(403, ProblemCode::AmbiguousCredentials),
    ]
}

const REFUSALS: [ProblemCode; 3] = [
    ProblemCode::NoSession,
    ProblemCode::Forbidden,
    ProblemCode::DeviceMismatch,
];

type Settings = Extension<Arc<ForwardAuth>>;

async fn forwarded(
    state: State<Door>,
    settings: Settings,
    request: Request,
) -> Result<Told, ProblemAnswer> {
    let by = Proxy::of(request.extensions());
    answer(&state, &settings, Dialect::Forwarded, by, request.headers()).await
}

async fn nginx(
    state: State<Door>,
    settings: Settings,
    request: Request,
) -> Result<Told, ProblemAnswer> {
    let by = Proxy::of(request.extensions());
    answer(&state, &settings, Dialect::Nginx, by, request.headers()).await
}

/// Who asks, as far as the connection tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proxy {
    pub(crate) asker: Asker,
    pub(crate) peer: Option<Peer>,
}

impl Proxy {
    fn of(extensions: &Extensions) -> Self {
        Self {
            asker: Asker::of(extensions.get().copied()),
            peer: extensions.get().copied(),
        }
    }
}

impl Part for Settings {
    fn describe(operation: &mut Operation<'_>) {
        operation.proof(Proof::Session);
    }
}

/// What a proxy is told, short of a refusal.
pub(crate) struct Told(HeaderMap, StatusCode);

/// Judges the request that these headers speak of.
pub(crate) async fn answer(
    door: &Door,
    settings: &ForwardAuth,
    dialect: Dialect,
    by: Proxy,
    headers: &HeaderMap,
) -> Result<Told, ProblemAnswer> {
    let (place, visit, target) = match Original::read(dialect, headers) {
        Ok(Original { target, visit }) => (settings.place_of(target), visit, target),
        Err(why) => (Place::Unknown(why), Visit::Call, &b"/"[..]),
    };
    let holder = match (by.asker, place) {
        (Asker::Listed, Place::Guarded) => holder(door, settings, headers).await?,
        (Asker::Listed | Asker::Unlisted, _) => Holder::Unasked,
    };
    match judge(by.asker, place, visit, holder) {
        Verdict::Allow(None) => Ok(allow(&settings.names, Identity::nobody())),
        Verdict::Allow(Some(checked)) => match Identity::of(&checked) {
            Some(identity) => Ok(allow(&settings.names, identity)),
            None => Err(unnameable()),
        },
        Verdict::Challenge(visit, ending) => challenge(settings, dialect, visit, target, ending),
        Verdict::Forbid(why) => Err(forbid(why, by.peer)),
    }
}

/// Finds out who sent a request, by the session cookie or a token of ours as bearer.
///
/// Whoever cannot say is an error, and a 503: never a stranger, who would be sent to sign in.
async fn holder(
    door: &Door,
    settings: &ForwardAuth,
    headers: &HeaderMap,
) -> Result<Holder<Box<Checked>>, ProblemAnswer> {
    let Ok(credential) = Credential::behind_proxy(headers, door.cookie) else {
        return Ok(Holder::Ambiguous);
    };
    let token = credential.token().and_then(|t| SessionToken::parse(t).ok());
    let Some(token) = token else {
        return Ok(Holder::Gone(None));
    };
    let Ok(device) = door.cookie.find_device(headers, token.tag()) else {
        return Ok(Holder::Ambiguous);
    };
    let device = match (device, credential) {
        // A client that sends its token by hand has no cookies.
        (None, Credential::Bearer(_)) => Shown::NoPlace,
        (device, _) => Shown::of(device.as_ref(), token.tag()),
    };
    let request = CheckRequest {
        token,
        tenant: Some(settings.tenant.clone()),
        demand: Demand {
            device,
            ..Demand::default()
        },
        activity: Activity::Active,
        // The proxy may drop the cookie of the answer.
        renewal: Renewal::Never,
    };
    Ok(
        match door.authority.check(&request).await.map_err(wire::failed)? {
            CheckAnswer::Valid(passed) => {
                Holder::Live(Box::new(passed.open().map_err(wire::failed)?))
            }
            CheckAnswer::NoSession(ending) => Holder::Gone(ending),
            CheckAnswer::Shortfall(Shortfall::DeviceMismatch) => Holder::WithoutDevice,
            // Nothing else was demanded.
            CheckAnswer::Shortfall(Shortfall::WrongSubject | Shortfall::StepUp) => Holder::Unasked,
        },
    )
}

fn allow(names: &HeaderNames, identity: Identity) -> Told {
    let mut headers = HeaderMap::with_capacity(12);
    identity.write(names, &mut headers);
    Told(headers, StatusCode::OK)
}

/// To the sign-in page, where a person would see it and there is one; else 401.
fn challenge(
    settings: &ForwardAuth,
    dialect: Dialect,
    visit: Visit,
    target: &[u8],
    ending: Option<Ending>,
) -> Result<Told, ProblemAnswer> {
    let page = match visit {
        Visit::Page => settings.sign_in_for(target),
        Visit::Call => None,
    };
    let page = page.map(|page| HeaderValue::try_from(page).expect("it is escaped to ASCII"));
    let refusal = varied(wire::no_session(ending));
    match (page, dialect) {
        (None, _) => Err(refusal),
        (Some(page), Dialect::Nginx) => Err(refusal.header(LOCATION, page)),
        (Some(page), Dialect::Forwarded) => {
            let headers = HeaderMap::from_iter([(LOCATION, page)]);
            Ok(Told(headers, StatusCode::SEE_OTHER))
        }
    }
}

fn forbid(why: Forbidden, peer: Option<Peer>) -> ProblemAnswer {
    let with = |detail: String| Problem::new(ProblemCode::Forbidden).detail(detail);
    let problem = match why {
        Forbidden::UnlistedPeer => {
            let peer = peer.map(|peer| peer.0.ip());
            let peer =
                peer.map_or_else(|| "unknown".to_owned(), |ip| ip.to_canonical().to_string());
            tracing::warn!(
                %peer,
                "asked /forward-auth and is refused: if it is your proxy, list its address in \
                 server.trusted_peers"
            );
            with("Only proxies listed in server.trusted_peers may ask this.".to_owned())
        }
        Forbidden::Unreadable(unreadable) => {
            let detail = match unreadable {
                Unreadable::Missing(header) => {
                    format!("The proxy does not send {header}; set it as in our recipe.")
                }
                Unreadable::Repeated(header) => format!(
                    "{header} is there more than once; the proxy must replace what a client sends."
                ),
                Unreadable::NotAPath => {
                    "The request that the proxy names is for no path.".to_owned()
                }
            };
            tracing::warn!("asked /forward-auth about an unknown request: {detail}");
            with(detail)
        }
        Forbidden::OwnPath => {
            tracing::warn!("asked /forward-auth about {PREFIX}: the proxy must bring that to us");
            with(format!(
                "The proxy must bring {PREFIX} to Innkeeper, and not ask about it."
            ))
        }
        Forbidden::Ambiguous => Problem::new(ProblemCode::AmbiguousCredentials)
            .status(403)
            .detail("There is more than one session cookie or token."),
        Forbidden::DeviceMismatch => Problem::new(ProblemCode::DeviceMismatch),
        Forbidden::Unasked => with("Nobody could tell whose request this is.".to_owned()),
    };
    varied(problem.into())
}

/// The name of a subject that no header carries: it must not arrive as another's.
fn unnameable() -> ProblemAnswer {
    tracing::warn!("a subject begins or ends with a space, which no header carries: refused");
    varied(
        Problem::new(ProblemCode::Forbidden)
            .detail("The name of this subject cannot be told in a header.")
            .into(),
    )
}

fn varied(refusal: ProblemAnswer) -> ProblemAnswer {
    refusal.header(VARY, VARIES_BY)
}

impl Told {
    /// The answer, which has nothing but headers.
    pub(crate) fn write<B: Default>(self) -> http::Response<B> {
        let Self(headers, status) = self;
        let mut response = http::Response::new(B::default());
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response.headers_mut().insert(VARY, VARIES_BY);
        response
    }
}

impl IntoResponse for Told {
    fn into_response(self) -> Response {
        self.write()
    }
}

impl Answer for Told {
    fn describe(operation: &mut Operation<'_>) {
        operation.answers(StatusCode::OK);
        for (name, about) in [
            (
                "Remote-User",
                "The subject, in UTF-8; empty where nobody is known.",
            ),
            (
                "Remote-Groups",
                "Its groups with commas between, but for those whose names have one.",
            ),
            ("Innkeeper-Tenant", "Its tenant."),
            (
                "Innkeeper-Session",
                "The id of its session, which opens nothing.",
            ),
            (
                "Innkeeper-Assurance",
                "How much its authentication proved, 0 to 9.",
            ),
        ] {
            operation.answer_header(StatusCode::OK, name, about);
        }
        operation.answers(StatusCode::SEE_OTHER);
        let about = "The sign-in page, which leads back to where the request went.";
        operation.answer_header(StatusCode::SEE_OTHER, LOCATION.as_str(), about);
    }
}
