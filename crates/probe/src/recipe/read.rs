//! From the tree to a recipe; what is wrong is collected, so that one look mends it all.

use std::path::PathBuf;

use super::policy::on_exceed_without_max;
use super::steps::steps_of;
use super::walk::{Faults, Map, list, parsed, text};
use super::yaml::{self, Node, Value};
use super::{Carrier, Device, Fault, Limits, Policy, Recipe, SecretAt, Target, User};
use crate::origin::Origin;

pub(super) fn recipe(source: &str) -> Result<Recipe, Vec<Fault>> {
    let root = yaml::parse(source).map_err(|fault| vec![fault])?;
    let mut faults = Faults::new();
    let read = whole(root, &mut faults);
    faults.sort_by_key(|fault| fault.line);
    match read {
        Some(recipe) if faults.is_empty() => Ok(recipe),
        _ => Err(faults),
    }
}

fn whole(root: Node, faults: &mut Faults) -> Option<Recipe> {
    let mut map = Map::of(root, "", faults);
    if let Some(version) = map.need("version", "this is `version: 1`", faults) {
        parsed(&version, "version", faults, |text| {
            (text == "1")
                .then_some(())
                .ok_or_else(|| "the version of recipes is 1".to_owned())
        });
    }
    let target = map.need("target", "where the application is", faults);
    let target = target.and_then(|node| target_of(node, faults));
    let policy = map.take("policy").map(|node| {
        let line = node.line;
        let policy = Policy::read(node, faults);
        on_exceed_without_max(&policy, line, faults);
        policy
    });
    let users = map.need("users", "the accounts that may be signed in to", faults);
    let users = users.and_then(|node| users_of(node, faults));
    let carrier = map.need("session", "what carries a session", faults);
    let carrier = carrier.and_then(|node| carrier_of(node, faults));
    let devices = devices_of(map.take("devices"), faults);
    let steps = map.need("steps", "what can be done at the application", faults);
    let steps = steps.and_then(|node| steps_of(node, carrier.as_ref(), faults));
    let limits = map.take("limits").map(|node| Limits::read(node, faults));
    map.end(faults);
    let (user, other) = users?;
    let steps = steps?;
    if let Some(effect) = &steps.change_password
        && effect.confirm != user.name
    {
        let words = "confirm names the account that may be changed: it is the name of the user";
        faults.push(Fault::at(
            effect.request.line,
            "steps.change_password",
            words,
        ));
    }
    Some(Recipe {
        target: target?,
        policy: policy.unwrap_or_default(),
        user,
        other,
        carrier: carrier?,
        devices,
        steps,
        limits: limits.unwrap_or_default(),
    })
}

fn target_of(node: Node, faults: &mut Faults) -> Option<Target> {
    let line = node.line;
    let mut map = Map::of(node, "target", faults);
    let base = map.need("base", "such as http://localhost:3000", faults);
    let base = base.and_then(|node| parsed(&node, "target.base", faults, Origin::read));
    let scope: Vec<Origin> = map
        .need(
            "scope",
            "every origin that may be called, base among them",
            faults,
        )
        .map(list)
        .unwrap_or_default()
        .iter()
        .filter_map(|node| parsed(node, "target.scope", faults, Origin::read))
        .collect();
    let ca_file = map
        .take("ca_file")
        .and_then(|node| text(&node, "target.ca_file", faults))
        .map(PathBuf::from);
    let proof = map.take("proof").and_then(|node| {
        parsed(&node, "target.proof", faults, |text| {
            let is_hex = text.len() == 32 && text.chars().all(|c| c.is_ascii_hexdigit());
            is_hex.then(|| text.to_owned()).ok_or_else(|| {
                "a proof is the nonce of 32 digits that the probe printed".to_owned()
            })
        })
    });
    map.end(faults);
    let base = base?;
    if !scope.contains(&base) {
        let words = format!("the scope does not name the base, {base}");
        faults.push(Fault::at(line, "target.scope", words));
    }
    Some(Target {
        base,
        scope,
        ca_file,
        proof,
    })
}

/// The one account that is probed, and the other one.
fn users_of(node: Node, faults: &mut Faults) -> Option<(User, Option<User>)> {
    let line = node.line;
    let mut map = Map::of(node, "users", faults);
    let other = map
        .take("other")
        .and_then(|node| user_of(node, "other", faults));
    let mut users: Vec<User> = map
        .rest()
        .into_iter()
        .filter_map(|member| user_of(member.node, &member.key, faults))
        .collect();
    if users.len() != 1 {
        let words = "one account is probed; a second one, for what users must not see of each \
                     other, is called `other`";
        if faults.is_empty() {
            faults.push(Fault::at(line, "users", words));
        }
        return None;
    }
    let user = users.pop()?;
    if other
        .as_ref()
        .is_some_and(|o| o.name == user.name || o.identity == user.identity)
    {
        let words = "other is the same account; it has to be another one";
        faults.push(Fault::at(line, "users.other", words));
    }
    Some((user, other))
}

fn user_of(node: Node, key: &str, faults: &mut Faults) -> Option<User> {
    let place = format!("users.{key}");
    let mut map = Map::of(node, &place, faults);
    let name = map.need("name", "what the account signs in with", faults);
    let name = name.and_then(|node| text(&node, &map.at("name"), faults));
    let password = map.need("password", "as { env: NAME } or { file: PATH }", faults);
    let password = password.and_then(|node| secret_of(node, &map.at("password"), faults));
    let new_password = map
        .take("new_password")
        .and_then(|node| secret_of(node, &map.at("new_password"), faults));
    let identity = map.take("identity");
    let identity = identity.and_then(|node| text(&node, &map.at("identity"), faults));
    map.end(faults);
    let name = name?;
    Some(User {
        key: key.to_owned(),
        identity: identity.unwrap_or_else(|| name.clone()),
        name,
        password: password?,
        new_password,
    })
}

/// A secret is named, never written down: a recipe is a file that people pass on.
fn secret_of(node: Node, place: &str, faults: &mut Faults) -> Option<SecretAt> {
    if !matches!(node.value, Value::Map(_)) {
        let words = "a secret never stands in a recipe; say { env: NAME } or { file: PATH }";
        faults.push(Fault::at(node.line, place, words));
        return None;
    }
    let line = node.line;
    let mut map = Map::of(node, place, faults);
    let env = map.take("env").and_then(|node| text(&node, place, faults));
    let file = map.take("file").and_then(|node| text(&node, place, faults));
    map.end(faults);
    match (env, file) {
        (Some(name), None) => Some(SecretAt::Env(name)),
        (None, Some(path)) => Some(SecretAt::File(path.into())),
        _ => {
            let words = "say one of { env: NAME } and { file: PATH }";
            faults.push(Fault::at(line, place, words));
            None
        }
    }
}

fn carrier_of(node: Node, faults: &mut Faults) -> Option<Carrier> {
    let line = node.line;
    let mut map = Map::of(node, "session", faults);
    let kind = map.need("carrier", "cookie, bearer or header", faults);
    let kind = kind.and_then(|node| text(&node, "session.carrier", faults));
    let name = map
        .take("name")
        .and_then(|node| text(&node, "session.name", faults));
    let token = map
        .take("token")
        .and_then(|node| text(&node, "session.token", faults));
    map.end(faults);
    let carrier = match (kind?.as_str(), name, token) {
        ("cookie", Some(name), None) => Some(Carrier::Cookie(name)),
        ("bearer", None, Some(capture)) => Some(Carrier::Bearer(capture)),
        ("header", Some(name), Some(capture)) => Some(Carrier::Header { name, capture }),
        _ => None,
    };
    if carrier.is_none() {
        let words = "accepted: { carrier: cookie, name: COOKIE }, { carrier: bearer, token: CAPTURE } \
                     and { carrier: header, name: HEADER, token: CAPTURE }";
        faults.push(Fault::at(line, "session", words));
    }
    carrier
}

fn devices_of(node: Option<Node>, faults: &mut Faults) -> [Device; 2] {
    let usual = |name: &str| Device {
        user_agent: format!("innkeeper-probe (device {name})"),
        source: None,
    };
    let Some(node) = node else {
        return [usual("A"), usual("B")];
    };
    let mut map = Map::of(node, "devices", faults);
    let devices = ["A", "B"].map(|key| {
        let mut device = usual(key);
        let Some(node) = map.take(key) else {
            return device;
        };
        let mut inner = Map::of(node, &format!("devices.{key}"), faults);
        if let Some(node) = inner.take("user_agent") {
            let read = parsed(&node, &inner.at("user_agent"), faults, |text| {
                let fits =
                    text.len() <= 200 && text.chars().all(|c| c.is_ascii_graphic() || c == ' ');
                let marked = format!("{text} innkeeper-probe");
                fits.then_some(marked)
                    .ok_or_else(|| "at most 200 plain characters".to_owned())
            });
            device.user_agent = read.unwrap_or(device.user_agent);
        }
        if let Some(node) = inner.take("source") {
            device.source = parsed(&node, &inner.at("source"), faults, |text| {
                text.parse()
                    .map_err(|_| "an IP address of this machine".to_owned())
            });
        }
        inner.end(faults);
        device
    });
    map.end(faults);
    devices
}
