//! The steps of a recipe: what can be done at the application, request by request.

use std::collections::{BTreeMap, BTreeSet};

use super::expect::Expect;
use super::request::Request;
use super::walk::{Faults, Map, list, parsed, text};
use super::yaml::{Node, Value};
use super::{Carrier, Effect, Fault, List, Steps, Whoami};
use crate::path::Path;

/// The fields of a list that checks ask for.
const FIELDS: [&str; 5] = ["id", "current", "device", "ip", "created"];

pub(super) fn steps_of(
    node: Node,
    carrier: Option<&Carrier>,
    faults: &mut Faults,
) -> Option<Steps> {
    let mut map = Map::of(node, "steps", faults);
    let mut known: BTreeSet<String> = ["user.name", "user.identity", "user.password"]
        .map(str::to_owned)
        .into();

    let login = map.need("login", "the requests that sign in", faults);
    let login_line = login.as_ref().map_or(map.line, |node| node.line);
    let login = login.map(|node| requests_of(node, "steps.login", &mut known.clone(), faults));
    for request in login.iter().flatten() {
        known.extend(request.captures.iter().map(|capture| capture.name.clone()));
    }
    if let Some(Carrier::Bearer(name) | Carrier::Header { capture: name, .. }) = carrier
        && !known.contains(name)
        && login.is_some()
    {
        let words = format!("session.token is `{name}`, which no request of the sign-in captures");
        faults.push(Fault::at(login_line, "steps.login", words));
    }
    let mut other_logins = BTreeMap::new();
    if let Some(node) = map.take("other_logins") {
        for member in Map::of(node, "steps.other_logins", faults).rest() {
            let place = format!("steps.other_logins.{}", member.key);
            let requests = requests_of(member.node, &place, &mut known.clone(), faults);
            other_logins.insert(member.key, requests);
        }
    }
    let whoami = map
        .need(
            "whoami",
            "the request whose answer names who is signed in",
            faults,
        )
        .and_then(|node| whoami_of(node, &known, faults));
    let mut single = |key: &'static str, more: &[&str]| {
        let node = map.take(key)?;
        let mut known = known.clone();
        known.extend(more.iter().map(|&name| name.to_owned()));
        step_of(node, &format!("steps.{key}"), &known, faults)
    };
    let slow_read = single("slow_read", &[]);
    let refresh = single("refresh", &[]);
    let logout_all = single("logout_all", &[]);
    let revoke = single(
        "revoke",
        &FIELDS
            .map(|field| ["item.", field].concat())
            .each_ref()
            .map(String::as_str),
    );
    let list = map
        .take("list")
        .and_then(|node| list_of(node, &known, faults));
    let logout = map
        .need(
            "logout",
            "without it the probe would leave sessions behind",
            faults,
        )
        .and_then(|node| step_of(node, "steps.logout", &known, faults));
    let change_password = map
        .take("change_password")
        .and_then(|node| change_of(node, &known, faults));
    let at = map.line;
    map.end(faults);
    if let (Some(_), None) = (&revoke, &list) {
        let words = "revoke needs steps.list, which says what there is to end";
        faults.push(Fault::at(at, "steps.revoke", words));
    }
    Some(Steps {
        login: login?,
        other_logins,
        whoami: whoami?,
        slow_read,
        list,
        revoke,
        refresh,
        logout: logout?,
        logout_all,
        change_password,
    })
}

fn requests_of(
    node: Node,
    place: &str,
    known: &mut BTreeSet<String>,
    faults: &mut Faults,
) -> Vec<Request> {
    let line = node.line;
    let mut requests = Vec::new();
    for (at, item) in list(node).into_iter().enumerate() {
        let place = format!("{place}[{}]", at + 1);
        let Some(request) = request_of(&item, &place, known, faults) else {
            continue;
        };
        known.extend(request.captures.iter().map(|capture| capture.name.clone()));
        requests.push(request);
    }
    if requests.is_empty() && faults.is_empty() {
        faults.push(Fault::at(line, place, "a request is missing here"));
    }
    requests
}

fn request_of(
    node: &Node,
    place: &str,
    known: &BTreeSet<String>,
    faults: &mut Faults,
) -> Option<Request> {
    let source = text(node, place, faults)?;
    let request = Request::read(&source, node.line, place, faults)?;
    for name in request.names().filter(|name| !known.contains(*name)) {
        let names: Vec<&str> = known.iter().map(String::as_str).collect();
        let words = format!(
            "nothing is called `{name}` here; known: {}",
            names.join(", ")
        );
        faults.push(Fault::at(request.line, place, words));
    }
    Some(request)
}

/// A step that is one request, written as the request itself or as `{ request: … }`.
fn step_of(
    node: Node,
    place: &str,
    known: &BTreeSet<String>,
    faults: &mut Faults,
) -> Option<Request> {
    if let Value::Scalar(_) = node.value {
        return request_of(&node, place, known, faults);
    }
    let mut map = Map::of(node, place, faults);
    let request = map.need("request", "such as POST /logout", faults);
    let request = request.and_then(|node| request_of(&node, place, known, faults));
    map.end(faults);
    request
}

fn whoami_of(node: Node, known: &BTreeSet<String>, faults: &mut Faults) -> Option<Whoami> {
    let mut map = Map::of(node, "steps.whoami", faults);
    let request = map.need("request", "such as GET /api/me", faults);
    let request = request.and_then(|node| request_of(&node, "steps.whoami", known, faults));
    let line = map.line;
    let logged_in = map.need("logged_in", "how its answer names the user", faults);
    let logged_in = logged_in.and_then(|node| Expect::read(node, "steps.whoami.logged_in", faults));
    let logged_out = map
        .take("logged_out")
        .and_then(|node| Expect::read(node, "steps.whoami.logged_out", faults));
    map.end(faults);
    if logged_in
        .as_ref()
        .is_some_and(|expect| !expect.names_the_user())
    {
        let words = "logged_in has to name the user, as json: { \"$.email\": \"{{user.name}}\" } or \
                     body: \"{{user.identity}}\" do; a status alone says nothing, since pages of \
                     sign-in answer 200 too";
        faults.push(Fault::at(line, "steps.whoami.logged_in", words));
    }
    for expect in [&logged_in, &logged_out].into_iter().flatten() {
        for name in expect.names().iter().filter(|n| !n.starts_with("user.")) {
            let words = format!("only user.name and user.identity are known here, not `{name}`");
            faults.push(Fault::at(line, "steps.whoami", words));
        }
    }
    Some(Whoami {
        request: request?,
        logged_in: logged_in?,
        logged_out,
    })
}

fn list_of(node: Node, known: &BTreeSet<String>, faults: &mut Faults) -> Option<List> {
    let mut map = Map::of(node, "steps.list", faults);
    let request = map.need("request", "such as GET /api/sessions", faults);
    let request = request.and_then(|node| request_of(&node, "steps.list", known, faults));
    let items = map.need("items", "the path to the sessions, such as $[*]", faults);
    let items = items.and_then(|node| parsed(&node, "steps.list.items", faults, Path::read));
    let mut fields = BTreeMap::new();
    if let Some(node) = map.need("fields", "where each session says its id, and more", faults) {
        let mut inner = Map::of(node, "steps.list.fields", faults);
        for key in FIELDS {
            let found = if key == "id" {
                inner.need(
                    "id",
                    "the path to what ends a session, such as $.id",
                    faults,
                )
            } else {
                inner.take(key)
            };
            let path = found.and_then(|node| parsed(&node, &inner.at(key), faults, Path::read));
            fields.extend(path.map(|path| (key.to_owned(), path)));
        }
        inner.end(faults);
    }
    map.end(faults);
    Some(List {
        request: request?,
        items: items?,
        fields,
    })
}

fn change_of(node: Node, known: &BTreeSet<String>, faults: &mut Faults) -> Option<Effect> {
    let place = "steps.change_password";
    let mut map = Map::of(node, place, faults);
    let mut known = known.clone();
    known.insert("new_password".to_owned());
    let is = |word: &'static str| {
        move |text: &str| {
            (text == word)
                .then_some(())
                .ok_or_else(|| format!("this is `{word}`"))
        }
    };
    if let Some(node) = map.need(
        "effect",
        "this step changes an account: `effect: account`",
        faults,
    ) {
        parsed(&node, place, faults, is("account"));
    }
    if let Some(node) = map.need(
        "undo",
        "`swap_back`: the same request, the other way round",
        faults,
    ) {
        parsed(&node, place, faults, is("swap_back"));
    }
    let confirm = map.need(
        "confirm",
        "the name of the account that may be changed",
        faults,
    );
    let confirm = confirm.and_then(|node| text(&node, place, faults));
    let request = map.need(
        "request",
        "with {{user.password}} and {{new_password}}",
        faults,
    );
    let request = request.and_then(|node| request_of(&node, place, &known, faults));
    map.end(faults);
    Some(Effect {
        confirm: confirm?,
        request: request?,
    })
}
