//! A small application with sessions, sound as it stands; and each flaw that a check looks for,
//! to be switched on by name.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::watch;

use super::http::{Request, Response, answering};

/// What is sold as a session.
#[derive(Clone, Debug)]
struct Session {
    id: String,
    user: String,
    device: String,
    refresh: String,
    born: Instant,
    seen: Instant,
}

#[derive(Default)]
struct State {
    passwords: BTreeMap<String, String>,
    /// By token, in the order of sign-in. Without a user before the sign-in.
    sessions: Vec<(String, Session)>,
    drawn: u64,
    /// Every refresh token that was used, with the token of its session.
    used: BTreeMap<String, String>,
    /// Everything that was ever handed out.
    secrets: Vec<String>,
    failed: u32,
    /// Who signed out last, as long as nobody signed in since.
    left: Option<String>,
    /// The users of refresh tokens whose session was signed out.
    outlived: BTreeMap<String, String>,
    last_asked: Option<String>,
    /// Requests so far.
    asked: u32,
}

/// The application, running.
pub(crate) struct Hostel {
    pub(crate) base: String,
    state: Arc<Mutex<State>>,
}

struct App {
    state: Arc<Mutex<State>>,
    flaw: String,
    limit: usize,
    ended: watch::Sender<u32>,
}

pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const OTHER_PASSWORD: &str = "staple & \"quote\" 42";

impl Hostel {
    /// Starts it with one flaw, or none for an empty name.
    pub(crate) async fn start(flaw: &str, limit: usize) -> Self {
        let state = State {
            passwords: BTreeMap::from([
                ("alice@example.test".to_owned(), PASSWORD.to_owned()),
                ("bob@example.test".to_owned(), OTHER_PASSWORD.to_owned()),
            ]),
            ..State::default()
        };
        let state = Arc::new(Mutex::new(state));
        let app = Arc::new(App {
            state: Arc::clone(&state),
            flaw: flaw.to_owned(),
            limit,
            ended: watch::Sender::new(0),
        });
        let base = answering(move |request| {
            let app = Arc::clone(&app);
            async move { app.answer(&request).await }
        })
        .await;
        Self { base, state }
    }

    /// How many sessions are signed in.
    pub(crate) fn signed_in(&self) -> usize {
        let state = self.state.lock().unwrap();
        state
            .sessions
            .iter()
            .filter(|(_, s)| !s.user.is_empty())
            .count()
    }

    /// How many requests came.
    pub(crate) fn asked(&self) -> u32 {
        self.state.lock().unwrap().asked
    }

    /// Everything that was ever handed out and lets somebody in.
    pub(crate) fn secrets(&self) -> Vec<String> {
        self.state.lock().unwrap().secrets.clone()
    }

    /// The password of a user as it is now.
    pub(crate) fn password(&self, user: &str) -> String {
        self.state.lock().unwrap().passwords[user].clone()
    }
}

impl App {
    fn has(&self, flaw: &str) -> bool {
        self.flaw == flaw
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn draw(&self) -> String {
        let mut state = self.state();
        state.drawn += 1;
        // Long enough to be no finding, and not secret: this is a test.
        let drawn = u128::from(state.drawn);
        let secret = format!("{:032x}{drawn:08x}", drawn * 0x9e37_79b9_7f4a_7c15_f39c);
        state.secrets.push(secret.clone());
        secret
    }

    fn find(&self, token: &str) -> Option<Session> {
        let mut state = self.state();
        if self.has("ends in time") {
            let (idle, absolute) = (Duration::from_millis(300), Duration::from_secs(1));
            let is_in_time = |s: &Session| s.seen.elapsed() < idle && s.born.elapsed() < absolute;
            state.sessions.retain(|(_, session)| is_in_time(session));
        }
        let found = state.sessions.iter_mut().find(|(known, _)| known == token);
        found.map(|(_, session)| {
            session.seen = Instant::now();
            session.clone()
        })
    }

    /// Who asks.
    fn caller(&self, request: &Request) -> Option<(String, Session)> {
        let token = request.cookie("sid")?;
        let session = self.find(&token).filter(|s| !s.user.is_empty())?;
        let is_bound = self.has("bound") && session.device != request.header("user-agent");
        (!is_bound).then_some((token, session))
    }

    async fn answer(&self, request: &Request) -> Response {
        self.state().asked += 1;
        let path = request.path.split('?').next().unwrap_or_default();
        if self.has("busy later") && self.state().asked > 10 {
            return Response::new(429, "slow down");
        }
        if self.has("busy for an hour") && self.state().asked > 10 {
            return Response::new(429, "slow down").with("Retry-After", "3600");
        }
        let response = match (request.method.as_str(), path) {
            ("GET", "/login") => self.login_page(request),
            ("POST", "/login" | "/mobile/login") => self.login(request, path).await,
            ("GET", "/elsewhere") => {
                Response::new(302, "").with("Location", "http://elsewhere.test/login")
            }
            _ => match self.caller(request) {
                Some((token, session)) => self.inside(request, path, token, session).await,
                None if path == "/refresh" => self.refresh(request),
                None if self.has("login page is 200") => {
                    Response::new(200, "<form action=/login>Sign in</form>")
                }
                None => Response::new(401, "{}"),
            },
        };
        let caching = if self.has("answers are public") {
            "public, max-age=60"
        } else {
            "no-store"
        };
        response.with("Cache-Control", caching)
    }

    fn login_page(&self, request: &Request) -> Response {
        let page = Response::new(
            200,
            "<form><input name=\"_csrf\" value='form&#45;1'></form>".replace("&#45;", "-"),
        );
        if request.cookie("sid").is_some() && !self.has("any id is taken") {
            return page;
        }
        let token = request.cookie("sid").unwrap_or_else(|| self.draw());
        self.put(&token, "", "");
        page.with("Set-Cookie", self.cookie(&token))
    }

    fn cookie(&self, token: &str) -> String {
        let flags = if self.has("cookie without flags") {
            ""
        } else {
            "; HttpOnly; SameSite=Lax; Secure"
        };
        format!("sid={token}; Path=/{flags}")
    }

    fn put(&self, token: &str, user: &str, device: &str) -> Session {
        let session = Session {
            id: format!("s{}", self.draw()),
            user: user.to_owned(),
            device: device.to_owned(),
            refresh: self.draw(),
            born: Instant::now(),
            seen: Instant::now(),
        };
        let session = Session {
            id: if self.has("list shows tokens") {
                token.to_owned()
            } else {
                session.id
            },
            ..session
        };
        let mut state = self.state();
        state.sessions.retain(|(known, _)| known != token);
        state.sessions.push((token.to_owned(), session.clone()));
        session
    }

    async fn login(&self, request: &Request, path: &str) -> Response {
        let form = request.form();
        let get = |name: &str| form.get(name).cloned().unwrap_or_default();
        let user = get("email");
        let is_known = self.state().passwords.get(&user) == Some(&get("password"));
        if self.has("locks out") || self.has("locks out on refusal") && self.state().failed > 0 {
            return Response::new(403, "Your account has been locked.");
        }
        let has_form = path != "/login" || get("_csrf") == "form-1";
        if self.has("a refusal shuts the door") && self.state().failed > 0 {
            return Response::new(409, "too many devices");
        }
        if !is_known || !has_form || self.has("sign-in is broken") {
            return Response::new(200, "<form>wrong name or password</form>");
        }
        let limit = self.limit + usize::from(self.has("one too many"));
        let is_limited =
            !self.has("no limit") && (path == "/login" || !self.has("mobile has no limit"));
        let mut victims = self.beyond(&user, limit);
        if self.has("counts before others write") {
            for _ in 0..300 {
                tokio::task::yield_now().await;
            }
        } else {
            victims = self.beyond(&user, limit);
        }
        if is_limited && !victims.is_empty() {
            if self.has("refuses at the limit") || self.has("a refusal shuts the door") {
                self.state().failed += 1;
                return Response::new(409, "too many devices");
            }
            if self.has("locks out on refusal") {
                self.state().failed += 1;
                return Response::new(403, "Your account has been locked.");
            }
            self.state()
                .sessions
                .retain(|(token, _)| !victims.contains(token));
        }
        self.state().left = None;
        let old = request.cookie("sid");
        let token = match &old {
            Some(old) if self.has("id is kept") && self.find(old).is_some() => old.clone(),
            Some(old) if self.has("any id is taken") => old.clone(),
            _ => self.draw(),
        };
        if let Some(old) = old {
            self.state()
                .sessions
                .retain(|(known, s)| *known != old || !s.user.is_empty());
        }
        let session = self.put(&token, &user, request.header("user-agent"));
        Response::new(303, "")
            .with("Location", "/")
            .with("Set-Cookie", self.cookie(&token))
            .with(
                "Set-Cookie",
                format!("rid={}; Path=/refresh; HttpOnly", session.refresh),
            )
    }

    /// The sessions of a user that have to go so that one more fits, the oldest first.
    fn beyond(&self, user: &str, limit: usize) -> Vec<String> {
        let state = self.state();
        let own = state.sessions.iter().filter(|(_, s)| s.user == user);
        let own: Vec<String> = own.map(|(token, _)| token.clone()).collect();
        let is_kept = self.has("a seat is freed later") && state.left.as_deref() == Some(user);
        let more = (own.len() + 1 + usize::from(is_kept)).saturating_sub(limit);
        own.into_iter().take(more).collect()
    }

    fn end(&self, ends: impl Fn(&str, &Session) -> bool) {
        self.state()
            .sessions
            .retain(|(token, session)| !ends(token, session));
        self.ended.send_modify(|count| *count += 1);
    }

    async fn inside(&self, request: &Request, path: &str, token: String, own: Session) -> Response {
        let ends = request.method == "DELETE" || path.ends_with("revoke-others");
        if ends && self.has("ends only with a password") {
            return Response::new(403, "{}");
        }
        match (request.method.as_str(), path) {
            ("GET", "/api/me") => self.me(&own).await,
            ("GET", "/api/slow") => self.slow(token, own).await,
            ("GET", "/api/sessions") => self.list(&own, &token),
            ("DELETE", _) if path.starts_with("/api/sessions/") => {
                let id = path.trim_start_matches("/api/sessions/");
                self.end(|_, session| {
                    if self.has("ends everything") {
                        return session.user == own.user;
                    }
                    let is_own = session.user == own.user || self.has("anybody ends");
                    session.id == id && is_own && !self.has("ends nothing")
                });
                Response::new(204, "")
            }
            ("POST", "/api/sessions/revoke-others") => {
                self.end(|known, session| {
                    session.user == own.user && known != token && !self.has("others stay")
                });
                Response::new(204, "")
            }
            ("POST", "/logout") => {
                if !self.has("logout clears the browser") {
                    self.end(|known, _| known == token);
                    let mut state = self.state();
                    state.left = Some(own.user.clone());
                    state.outlived.insert(own.refresh, own.user);
                }
                Response::new(204, "").with("Set-Cookie", "sid=; Path=/; Max-Age=0")
            }
            ("POST", "/api/password") => {
                let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
                let known = self.state().passwords[&own.user].clone();
                let is_stuck = self.has("password changes once") && known != PASSWORD;
                if body["old"] != json!(known) || is_stuck {
                    return Response::new(403, "{}");
                }
                let new = body["new"].as_str().unwrap_or_default().to_owned();
                self.state().passwords.insert(own.user.clone(), new);
                if !self.has("others outlive the password") {
                    self.end(|known, session| session.user == own.user && known != token);
                }
                Response::new(204, "")
            }
            ("POST", "/refresh") => self.refresh(request),
            _ => Response::new(404, "{}"),
        }
    }

    async fn me(&self, own: &Session) -> Response {
        let mut user = own.user.clone();
        if self.has("identity is shared") {
            self.state().last_asked = Some(user.clone());
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
            user = self.state().last_asked.clone().unwrap_or(user);
        }
        Response::new(200, json!({"email": user}).to_string())
    }

    /// Takes until the next session ends.
    async fn slow(&self, token: String, own: Session) -> Response {
        if self.has("slow is quick") {
            return Response::new(200, "{}");
        }
        let mut ended = self.ended.subscribe();
        let _ = ended.changed().await;
        if self.has("saves what it read") && self.find(&token).is_none() {
            self.state().sessions.push((token, own));
        } else if self.has("renews what it read") {
            let fresh = self.draw();
            self.put(&fresh, &own.user, &own.device);
            return Response::new(200, "{}").with("Set-Cookie", self.cookie(&fresh));
        }
        Response::new(200, "{}")
    }

    fn list(&self, own: &Session, token: &str) -> Response {
        let state = self.state();
        let items: Vec<Value> = state
            .sessions
            .iter()
            .filter(|(_, s)| !s.user.is_empty())
            .filter(|(_, s)| s.user == own.user || self.has("list shows everybody"))
            .filter(|(known, _)| known == token || !self.has("list shows the current one"))
            .map(|(known, session)| {
                let ip = if self.has("list says too little") {
                    Value::Null
                } else {
                    json!("127.0.0.1")
                };
                json!({"id": session.id, "current": known == token, "agent": session.device,
                       "ip": ip, "created": "2026-01-02T03:04:05Z"})
            })
            .collect();
        Response::new(200, json!({"sessions": items}).to_string())
    }

    fn refresh(&self, request: &Request) -> Response {
        let presented = request.cookie("rid").unwrap_or_default();
        if self.has("refresh gives the same") {
            return Response::new(204, "");
        }
        let outlived = self.state().outlived.get(&presented).cloned();
        if let Some(user) = outlived.filter(|_| self.has("refresh outlives the session")) {
            let token = self.draw();
            self.put(&token, &user, request.header("user-agent"));
            return Response::new(204, "").with("Set-Cookie", self.cookie(&token));
        }
        let (token, session) = {
            let mut state = self.state();
            if let Some(token) = state.used.get(&presented).cloned()
                && !self.has("refresh twice")
            {
                state.sessions.retain(|(known, _)| *known != token);
                return Response::new(401, "{}");
            }
            let found = state.sessions.iter().find(|(token, session)| {
                session.refresh == presented || state.used.get(&presented) == Some(token)
            });
            let Some((token, session)) = found.cloned() else {
                return Response::new(401, "{}");
            };
            state.used.insert(presented, token.clone());
            (token, session)
        };
        let fresh = self.draw();
        for (known, kept) in &mut self.state().sessions {
            if *known == token {
                kept.refresh.clone_from(&fresh);
            }
        }
        drop(session);
        Response::new(204, "").with(
            "Set-Cookie",
            format!("rid={fresh}; Path=/refresh; HttpOnly"),
        )
    }
}
