//! What is taken for a sign-in, and what only looks like one.
//!
//! A sign-in that is not seen is a green run over an application that has every gap, so each way
//! of writing one stands here beside what shares its words.

use std::fs;

use innkeeper_scan::{Kind, Options, Report, run};

fn scan(name: &str, text: &str, manifest: Option<(&str, &str)>) -> Report {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let files = [(name, text)].into_iter().chain(manifest);
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("a file can be written");
    }
    run(&Options::new(folder.path())).expect("the folder is there")
}

/// How sessions begin there, one line for each place, or nothing.
fn sign_ins(name: &str, text: &str, manifest: Option<(&str, &str)>) -> Vec<String> {
    let report = scan(name, text, manifest);
    let facts = report.units.iter().flat_map(|u| &u.facts);
    facts
        .filter(|f| f.kind == Kind::Creates)
        .map(|f| format!("{}: {}", f.line, f.note))
        .collect()
}

/// The same handler around what it does once the password was right.
fn go(body: &str) -> String {
    format!(
        "package main

import \"net/http\"

var sessions = map[string]int64{{}}

func (a *App) login(w http.ResponseWriter, r *http.Request) {{
	u, err := a.users.ByEmail(r.FormValue(\"email\"))
	if err != nil || bcrypt.CompareHashAndPassword(u.Hash, []byte(r.FormValue(\"password\"))) != nil {{
		http.Error(w, \"no\", 401)
		return
	}}
	token := randomToken()
	{body}
	http.Redirect(w, r, \"/\", http.StatusSeeOther)
}}

func randomToken() string {{
	b := make([]byte, 32)
	rand.Read(b)
	return hex.EncodeToString(b)
}}
"
    )
}

fn express(body: &str) -> String {
    format!(
        "const router = require('express').Router();
const sessions = {{}};

router.post('/login', async (req, res) => {{
  const user = await users.findOne({{ email: req.body.email }});
  if (!user || !await bcrypt.compare(req.body.password, user.hash)) return res.sendStatus(401);
  const sid = crypto.randomUUID();
  {body}
  res.redirect('/');
}});
"
    )
}

fn flask(body: &str) -> String {
    format!(
        "from flask import request, make_response
SESSIONS = {{}}

@app.post('/login')
def login():
    user = find(request.form['email'])
    if not check_password_hash(user['hash'], request.form['password']):
        return 'no', 401
    token = secrets.token_urlsafe(32)
    response = make_response('ok')
    {body}
    return response
"
    )
}

const LARAVEL: Option<(&str, &str)> = Some((
    "composer.json",
    r#"{"require": {"laravel/framework": "^12.0"}}"#,
));

fn laravel(body: &str) -> String {
    format!(
        "<?php
namespace App\\Http\\Controllers;

use Illuminate\\Http\\Request;

class LoginController extends Controller
{{
    public function login(Request $request)
    {{
        $user = User::where('email', $request->email)->first();
        if (!$user || !Hash::check($request->password, $user->password)) abort(401);
        $token = Str::random(60);
        {body}
        return redirect('/');
    }}
}}
"
    )
}

#[test]
fn given_a_map_of_sessions_when_a_user_goes_into_it_then_that_is_a_sign_in_in_every_shape() {
    let mut unseen = Vec::new();
    let mut seen = |name: &str, body: &str, text: String, line: u32| {
        let found = sign_ins(name, &text, None);
        if !found.iter().any(|f| f.starts_with(&format!("{line}: "))) {
            unseen.push(format!("{body}: {found:?}"));
        }
    };
    for body in [
        "sessions[token] = u.ID",
        "sessions[token] = Session{UserID: u.ID}",
        "a.sessions[token] = &session{userID: u.ID, created: time.Now()}",
        "a.sessions.Store(token, u.ID)",
        "a.rdb.Set(r.Context(), \"session:\"+token, u.ID, time.Hour)",
    ] {
        seen("main.go", body, go(body), 14);
    }
    for body in [
        "sessions[sid] = user.id;",
        "sessions[sid] = { userId: user.id, created: Date.now() };",
        "sessions.set(sid, { userId: user.id });",
        "await redis.set(`session:${sid}`, JSON.stringify({ userId: user.id }), 'EX', 3600);",
        "req.session = { userId: user.id };",
    ] {
        seen("login.js", body, express(body), 8);
    }
    for body in [
        "SESSIONS[token] = user['id']",
        "SESSIONS[token] = {'user_id': user['id'], 'seen': now()}",
        "cache.set(f'session:{token}', user.id, 3600)",
    ] {
        seen("app.py", body, flask(body), 11);
    }
    let csharp = "public class LoginController : Controller {
    private readonly ConcurrentDictionary<string, int> _sessions = new();
    [HttpPost(\"login\")]
    public IActionResult Login(LoginForm form) {
        var user = Find(form.Email);
        var token = Guid.NewGuid().ToString();
        _sessions[token] = user.Id;
        return Ok();
    }
}
";
    seen("LoginController.cs", "C#", csharp.to_owned(), 7);
    let rust = "async fn login(State(state): State<App>, form: Form<Login>) -> Response {
    let user = find(&form.email).await;
    let token = Uuid::new_v4().to_string();
    state.sessions.lock().unwrap().insert(token, user.id);
    redirect()
}
";
    seen("main.rs", "Rust", rust.to_owned(), 4);

    assert!(unseen.is_empty(), "not seen:\n{}", unseen.join("\n"));
}

#[test]
fn given_a_secret_in_a_cookie_after_a_password_when_nothing_else_is_known_then_it_is_a_sign_in() {
    let mut unseen = Vec::new();
    let mut seen = |name: &str, body: &str, text: String| {
        let found = sign_ins(name, &text, None);
        if !found.iter().any(|f| f.contains("after a password")) {
            unseen.push(format!("{body}: {found:?}"));
        }
    };
    for body in [
        "http.SetCookie(w, &http.Cookie{Name: \"session\", Value: token})",
        "cookie := http.Cookie{Name: \"auth\", Value: token}\n\thttp.SetCookie(w, &cookie)",
    ] {
        seen("main.go", body, go(body));
    }
    for body in [
        "await keep(user, sid); res.cookie('sid', sid);",
        "await keep(user, sid); res.setHeader('Set-Cookie', `sid=${sid}; HttpOnly`);",
    ] {
        seen("login.js", body, express(body));
    }
    let body = "keep(user, token); response.set_cookie('sid', token)";
    seen("app.py", body, flask(body));
    let script = "<?php
$user = find($_POST['email']);
if ($user && password_verify($_POST['password'], $user['hash'])) {
    $token = bin2hex(random_bytes(32));
    keep($token, $user['id']);
    setcookie('session_token', $token, time() + 3600, '/');
}
";
    seen("login.php", "a script", script.to_owned());

    assert!(unseen.is_empty(), "not seen:\n{}", unseen.join("\n"));
}

#[test]
fn given_the_session_of_laravel_when_a_user_goes_into_it_then_each_spelling_is_a_sign_in() {
    let mut unseen = Vec::new();
    for body in [
        "session(['user_id' => $user->id]);",
        "session()->put('user_id', $user->id);",
        "session()->put(['user_id' => $user->id, 'seen' => now()]);",
        "$request->session()->put('user_id', $user->id);",
        "Session::put('user_id', $user->id);",
    ] {
        let report = scan("LoginController.php", &laravel(body), LARAVEL);
        let rules: Vec<&str> = report.open().map(|f| f.rule.0).collect();
        // It is the same session as before, so it keeps its id.
        if !rules.contains(&"CSC-FIX-001") {
            unseen.push(format!("{body}: {rules:?}\n{}", report.facts()));
        }
    }
    assert!(unseen.is_empty(), "not seen:\n{}", unseen.join("\n"));
}

#[test]
fn given_what_only_looks_like_a_sign_in_when_scanned_then_it_is_none() {
    let mut taken = Vec::new();
    let mut free = |name: &str, text: String, manifest| {
        let found = sign_ins(name, &text, manifest);
        if !found.is_empty() {
            taken.push(format!("{text}\n{found:?}"));
        }
    };
    // Players, peers and uploads have sessions too; comments and strings say nothing.
    for text in [
        "const sessions = {};
io.on('connection', (socket) => {
  sessions[socket.id] = { userId: socket.userId, room: 'lobby' };
});",
        "import { useState } from 'react';
const sessions = {};
export async function login(email, password) {
  const { data } = await api.post('/login', { email, password });
  sessions[data.sid] = { userId: data.user.id };
}",
        "const sessions = new Map();
app.post('/game/start', (req, res) => {
  sessions.set(newGame(), { userId: req.body.player, board: [] });
});",
        "// sessions[sid] = { userId: user.id };
const help = 'sessions[sid] = user.id after bcrypt.compare(password)';
app.post('/login-help', (req, res) => res.cookie('theme', req.body.theme));",
        "app.post('/settings/password-check', async (req, res) => {
  const right = await bcrypt.compare(req.body.password, row.hash);
  res.cookie('csrf', crypto.randomBytes(16).toString('hex'));
  res.json({ right });
});",
        "app.get('/sessions/:id', (req, res) => {
  seen[req.params.id] = sessions[req.params.id].length;
});",
    ] {
        free("app.js", text.to_owned(), None);
    }
    let game = "sessions = {}

class GameServer:
    def join(self, player_id, user):
        sessions[player_id] = {'user': user, 'score': 0}
";
    free("app.py", game.to_owned(), None);
    let reads = "<?php
class ProfileController extends Controller
{
    public function show(Request $request)
    {
        $user = User::find(session('user_id'));
        session(['theme' => 'dark', 'cart' => [$user->id]]);
        return view('profile', ['user' => $user]);
    }
}
";
    free("ProfileController.php", reads.to_owned(), LARAVEL);

    assert!(
        taken.is_empty(),
        "taken for a sign-in:\n{}",
        taken.join("\n")
    );
}

#[test]
fn given_no_sign_in_when_written_then_markdown_and_sarif_say_that_nothing_was_held_against_it() {
    let report = scan("app.js", "const token = parse(source);\n", None);
    let markdown = report.to_markdown();
    let sarif = report.to_sarif();

    assert!(markdown.contains("No sign-in was found"), "{markdown}");
    let said = &sarif["runs"][0]["invocations"][0]["toolExecutionNotifications"][0];
    let text = said["message"]["text"].as_str().unwrap_or_default();
    assert!(text.starts_with("No sign-in was found"), "{sarif}");
    assert_eq!(said["level"], "note");

    let seen = scan("login.js", &express("sessions[sid] = user.id;"), None);
    assert!(!seen.to_markdown().contains("No sign-in"));
}

/// Only words like `login` and `user` told a sign-in, and what was called otherwise had a clean bill.
#[test]
fn given_a_password_that_is_checked_when_something_is_signed_or_kept_then_somebody_signs_in() {
    let token = |check: &str| {
        format!(
            "import jwt
from fastapi import FastAPI, HTTPException

app = FastAPI()


@app.post('/token')
def token(form: Form):
    u = people.first(form.username)
    {check}
    return {{'access_token': jwt.encode({{'sub': str(u.id)}}, KEY, 'HS256')}}
"
        )
    };
    let checked =
        token("if not pwd.verify(form.password, u.hashed):\n        raise HTTPException(401)");
    let unchecked = token("audit(u)");
    let django = |check: &str| {
        format!(
            "from django.contrib.auth.hashers import check_password
from django.shortcuts import redirect


def enter(request):
    p = Person.objects.filter(email=request.POST['email']).first()
    {check}
    request.session['person'] = p.pk
    return redirect('/')
"
        )
    };
    let kept = django(
        "if not check_password(request.POST['secret'], p.secret):\n        return redirect('/enter/')",
    );
    let chosen = django("audit(p)");
    let found = |name: &str, text: &str| (name.to_owned(), sign_ins(name, text, None).len());
    assert_eq!(
        [
            found("main.py", &checked),
            found("views.py", &kept),
            found("main.py", &unchecked),
            found("views.py", &chosen),
        ],
        [
            ("main.py".to_owned(), 1),
            ("views.py".to_owned(), 1),
            ("main.py".to_owned(), 0),
            ("views.py".to_owned(), 0),
        ]
    );
}

#[test]
fn given_a_password_check_that_leads_nowhere_known_when_scanned_then_every_format_says_where() {
    let text = "const router = require('express').Router();

router.post('/login', async (req, res) => {
  const user = await users.findOne({ email: req.body.email });
  if (!user || !(await bcrypt.compare(req.body.password, user.hash))) return res.sendStatus(401);
  await gateway.admit(user);
  res.sendStatus(204);
});
";
    let unsure =
        "Unsure: a password is checked at app.js:5, and what it signs in to was not understood";

    let report = scan("app.js", text, None);

    assert!(!report.units[0].creates_sessions, "{}", report.facts());
    assert!(report.to_text().contains(unsure), "{}", report.to_text());
    assert!(
        report.to_markdown().contains("app.js:5"),
        "{}",
        report.to_markdown()
    );
    assert!(report.to_sarif().to_string().contains(unsure));
    let without = scan(
        "app.js",
        &text.replace("bcrypt.compare", "limits.count"),
        None,
    );
    assert!(
        !without.to_text().contains("Unsure"),
        "{}",
        without.to_text()
    );
}
