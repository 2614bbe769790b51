//! What a trick came to: did it get past the proxy?

use super::stand_in::{Arrival, plain};
use super::tricks::{Aim, MARKER, MARKER_IP, Trick, Who};
use super::wire::Reply;

/// What is known of a trick that was sent.
pub(super) struct Seen<'s> {
    /// By whom.
    pub(super) who: Option<&'s Who>,
    /// What came back.
    pub(super) reply: &'s Reply,
    /// What arrived where the application is, if that can be seen.
    pub(super) arrivals: Option<&'s [Arrival]>,
}

/// Why a trick did not simply fail.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Fault {
    /// It got past the proxy, or something is not as it should be.
    Found(String),
    /// It would have to be looked at where the application is.
    Unseen,
}

/// Headers that say where a request comes from or what it asks for: the proxy's to write.
const OF_THE_PROXY: [&str; 4] = ["forwarded", "x-real-ip", "x-original-", "x-rewrite-"];

/// Judges a trick by what is known of it.
pub(super) fn judge(trick: &Trick, seen: &Seen<'_>) -> Result<(), Fault> {
    if trick.aim == Aim::Inside && reaches_inside(seen.reply) {
        return found(
            "Innkeeper's own API answers there: the proxy must bring it /_innkeeper alone",
        );
    }
    match (seen.arrivals, seen.who, trick.aim) {
        (Some([]), Some(_), Aim::Passes) => {
            let status = seen
                .reply
                .status
                .map_or_else(|| "nothing".to_owned(), |s| s.to_string());
            found(format!(
                "a good session is not let through (the answer is {status}): the proxy must pass on \
                 Authorization and Cookie, and be listed in server.trusted_peers"
            ))
        }
        (Some([]), ..) => Ok(()),
        (Some([arrival, ..]), None, _) | (Some([arrival, ..]), Some(_), Aim::Nowhere) => found(
            format!("it arrived at the application: {}", arrival.shown()),
        ),
        (Some([one]), Some(who), Aim::Application | Aim::Passes | Aim::Inside) => {
            judge_headers(one, who)
        }
        (Some([_, hidden, ..]), Some(_), _) => found(format!(
            "one request arrived as two, the other being {}",
            hidden.shown()
        )),
        (None, None, _) | (None, Some(_), Aim::Nowhere) => judge_answer(seen.reply),
        (None, Some(_), _) => Err(Fault::Unseen),
    }
}

fn found(what: impl Into<String>) -> Result<(), Fault> {
    Err(Fault::Found(what.into()))
}

/// Whether what arrived says who it is from by Innkeeper's word, and by nobody else's.
fn judge_headers(arrival: &Arrival, who: &Who) -> Result<(), Fault> {
    for (name, expected) in &who.identity {
        let values: Vec<_> = arrival.values_like(name).collect();
        if values != [expected] {
            return found(format!(
                "{name} arrives as {values:?}, not as Innkeeper said it"
            ));
        }
    }
    for (name, value) in &arrival.headers {
        let name = plain(name);
        let is_of_the_proxy = name.starts_with("x-forwarded-")
            || OF_THE_PROXY.iter().any(|own| name.starts_with(own));
        if is_of_the_proxy && (value.contains(MARKER) || value.contains(MARKER_IP)) {
            return found(format!("{name} arrives as the client wrote it"));
        }
        let lists = name == "connection"
            && value
                .split(',')
                .any(|word| who.identity.iter().any(|(n, _)| plain(word) == *n));
        if lists {
            return found(
                "Connection names an identity header, and who obeys it drops that header",
            );
        }
    }
    Ok(())
}

/// Whether an answer says that the request was refused.
fn judge_answer(reply: &Reply) -> Result<(), Fault> {
    let leads_to_sign_in = reply
        .header("location")
        .is_some_and(|to| to.contains("/_innkeeper/sign-in"));
    let is_ours = reply.text.contains("urn:innkeeper:problem:");
    match reply.status {
        None
        | Some(400 | 401 | 403 | 405 | 408 | 411 | 413 | 414 | 417 | 421 | 431 | 501 | 503 | 505) => {
            Ok(())
        }
        Some(300..=399) if leads_to_sign_in => Ok(()),
        Some(_) if is_ours => Ok(()),
        Some(status) => found(format!(
            "the answer is {status}, as if it had been let through"
        )),
    }
}

/// Whether what answered is the API of Innkeeper, or its figures.
fn reaches_inside(reply: &Reply) -> bool {
    let is_api = reply.text.contains(r#""code":"unauthenticated""#)
        || reply.text.contains(r#""openapi":"3."#)
        || reply.text.contains("# HELP innkeeper_");
    is_api || reply.text.contains("X-Forwarded-Method") && reply.text.contains("urn:innkeeper:")
}
