//! The credential as it was handed out, and what may be kept of the answers to it.

use innkeeper_report::Severity;

use super::Conclusion;
use crate::recipe::Carrier;
use crate::run::Run;
use crate::trouble::Trouble;

/// A credential of fewer bits than this can be guessed. ASVS 7.2.3 asks for 128; what is seen of
/// a credential is only how long it is and of which characters.
const BITS_MIN: f64 = 128.0;

/// Looks at the credential that side A was given.
pub(super) async fn as_handed_out(run: &mut Run) -> Result<Vec<Conclusion>, Trouble> {
    const ID: &str = "PRB-COOK-001";
    let guest = run.side(0).await?;
    let carrier = run.client.carrier().clone();
    let visitor = run.visitor(guest);
    let Some(token) = visitor.credential(&carrier).map(str::to_owned) else {
        let words = "the sign-in handed out no credential";
        return Ok(vec![Conclusion::inconclusive(ID, words)]);
    };
    let base = &run.recipe.target.base;
    let is_near = base.address().is_some_and(|ip| ip.is_loopback()) || base.host == "localhost";
    let mut wrong = Vec::new();
    let mut noted = Vec::new();
    if let Carrier::Cookie(name) = &carrier
        && let Some(cookie) = visitor.jar.find(name)
    {
        if !cookie.is_http_only {
            wrong.push("it has no HttpOnly, so scripts read it".to_owned());
        }
        match cookie
            .same_site
            .as_deref()
            .map(str::to_ascii_lowercase)
            .as_deref()
        {
            Some("lax" | "strict") => {}
            Some("none") => wrong.push("it is SameSite=None, so other sites send it".to_owned()),
            _ => wrong.push("it has no SameSite".to_owned()),
        }
        if !cookie.is_secure {
            let words = "it has no Secure".to_owned();
            if is_near && !base.is_tls {
                noted.push(format!("{words}, which is looked over on loopback"));
            } else {
                wrong.push(words);
            }
        }
        if let Some(domain) = &cookie.domain {
            wrong.push(format!("it goes to every host below {domain}"));
        }
        if !name.starts_with("__Host-") && base.is_tls {
            noted.push("its name has no __Host- before it".to_owned());
        }
        if let Some(age) = &cookie.max_age {
            noted.push(format!("a browser keeps it for {age} s"));
        }
    }
    let bits = bits(&token);
    if bits < BITS_MIN {
        wrong.push(format!(
            "at {} characters it has {bits:.0} bits at most",
            token.len()
        ));
    }
    if run.client.is_in_an_address(&token) {
        wrong.push("it is in an address".to_owned());
    }
    let conclusion = match (wrong.is_empty(), noted.is_empty()) {
        (false, _) => Conclusion::fail(ID, wrong.join("; ")),
        (true, false) => Conclusion::observed(ID, noted.join("; ")).rated(Severity::Info),
        (true, true) => Conclusion::pass(ID, "kept from scripts and other sites, and long enough"),
    };
    Ok(vec![conclusion])
}

/// The most that could be in a text of this length and these characters.
#[expect(clippy::cast_precision_loss, reason = "a credential is not that long")]
fn bits(token: &str) -> f64 {
    let has = |is: fn(&char) -> bool| token.chars().any(|c| is(&c));
    let is_hex = token.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    let mut alphabet = 0_u32;
    if has(char::is_ascii_digit) {
        alphabet += 10;
    }
    if has(char::is_ascii_lowercase) {
        alphabet += if is_hex { 6 } else { 26 };
    }
    if has(char::is_ascii_uppercase) {
        alphabet += if is_hex { 6 } else { 26 };
    }
    if token.chars().any(|c| !c.is_ascii_alphanumeric()) && !is_hex {
        alphabet += 2;
    }
    token.len() as f64 * f64::from(alphabet.max(1)).log2()
}

/// Looks at what caches are told of the answers that only the user may see.
pub(super) async fn caching(run: &mut Run) -> Result<Vec<Conclusion>, Trouble> {
    const ID: &str = "PRB-CACHE-001";
    let guest = run.side(0).await?;
    let recipe = std::sync::Arc::clone(&run.recipe);
    let list = recipe.steps.list.as_ref().map(|list| &list.request);
    let mut evidence = Vec::new();
    let mut wrong = Vec::new();
    let mut silent = Vec::new();
    for request in [&recipe.steps.whoami.request].into_iter().chain(list) {
        let answer = run.ask(guest, request).await?;
        let said = answer
            .header("cache-control")
            .unwrap_or_default()
            .to_ascii_lowercase();
        let says = |word: &str| {
            said.split(',')
                .any(|part| part.trim().split('=').next() == Some(word))
        };
        let kept = says("public") || says("s-maxage");
        let barred = says("no-store") || says("private") || says("no-cache");
        if kept || (says("max-age") && !barred && !says("must-revalidate")) {
            wrong.push(format!(
                "{} may be kept by shared caches: `{said}`",
                answer.id
            ));
        } else if !barred {
            silent.push(format!("{} says nothing to caches", answer.id));
        }
        evidence.push(answer.id);
    }
    let conclusion = match (wrong.is_empty(), silent.is_empty()) {
        (false, _) => Conclusion::fail(ID, wrong.join("; ")),
        (true, false) => Conclusion::observed(ID, silent.join("; ")).rated(Severity::Info),
        (true, true) => Conclusion::pass(ID, "no shared cache may keep what only the user may see"),
    };
    Ok(vec![conclusion.shown_by(evidence)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_credentials_when_measured_then_the_shape_bounds_what_can_be_in_them() {
        assert!(bits("12345678") < 30.0);
        assert!(bits("0123456789abcdef0123456789abcdef") >= BITS_MIN);
        assert!(bits("0123456789abcdef01234567") < BITS_MIN);
        assert!(bits("Zk3_9hQ-aPq0xLw7RtBv1M") > BITS_MIN);
    }
}
