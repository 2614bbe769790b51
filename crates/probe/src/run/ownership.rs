//! Whose host it is: a public one is probed only if its owner shows so.

use super::Run;
use crate::client::{Purse, Reach};
use crate::origin::Origin;
use crate::recipe::{Recipe, Request};
use crate::trouble::Trouble;

use super::Who;

/// Where the owner of a public host shows the nonce of the recipe.
pub const WELL_KNOWN: &str = "/.well-known/innkeeper-probe";

/// A rail that refuses the run before anything is sent.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(pub(crate) String);

/// The public origins of the scope, each of which the caller says they own.
///
/// The error says what to do; nothing has been sent by then.
pub(crate) fn claimed(
    recipe: &Recipe,
    reach: &Reach,
    owned: &[String],
    nonce: impl Fn() -> String,
) -> Result<Vec<Origin>, Refused> {
    let mut claimed = Vec::new();
    for origin in reach.public() {
        let host = &origin.host;
        if !owned.contains(host) {
            return Err(Refused(format!(
                "{host} is a public host. If it is yours, and probing it is agreed, say \
                 `--i-own {host}`"
            )));
        }
        if recipe.target.proof.is_none() {
            return Err(Refused(format!(
                "{host} is a public host, and that it is yours needs a proof. Put this nonce into \
                 the recipe, as `proof: {nonce}` under `target`, and on the host as the only line \
                 of {origin}{WELL_KNOWN}",
                nonce = nonce()
            )));
        }
        claimed.push(origin.clone());
    }
    Ok(claimed)
}

/// Looks for the proof on each public origin.
pub(crate) async fn prove(run: &Run, origins: &[Origin]) -> Result<(), Trouble> {
    let proof = run.recipe.target.proof.as_deref().unwrap_or_default();
    for origin in origins {
        let mut visitor = run.stranger("owner", Who::User, 0, Purse::Plain)?;
        let request = Request::get(&format!("{origin}{WELL_KNOWN}"));
        let answer = run.client.ask(&mut visitor, &request).await;
        let is_shown = answer.is_ok_and(|answer| {
            answer.status == 200 && proof.len() == 32 && answer.body.trim() == proof
        });
        if !is_shown {
            return Err(Trouble::Stop(format!(
                "{origin}{WELL_KNOWN} does not show the nonce of the recipe, so it is not proven \
                 that {} is yours",
                origin.host
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::sync::watch;

    use super::*;
    use crate::client::Client;
    use crate::engine::tls;
    use crate::run::Secrets;

    const NONCE: &str = "0123456789abcdef0123456789abcdef";

    /// Asks a host, which answers with this, for the proof of a recipe.
    async fn proven(status: u16, shown: &'static str) -> Result<(), Trouble> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let answer = format!(
            "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{shown}",
            shown.len()
        );
        let host = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; 4096];
            let length = stream.read(&mut asked).await.unwrap();
            let first = format!("GET {WELL_KNOWN} HTTP/1.1\r\n");
            assert!(asked[..length].starts_with(first.as_bytes()));
            stream.write_all(answer.as_bytes()).await.unwrap();
        };
        let recipe = format!(
            "version: 1\ntarget: {{ base: \"{base}\", scope: [\"{base}\"], proof: {NONCE} }}\n\
             users: {{ alice: {{ name: alice, password: {{ env: PW }} }} }}\n\
             session: {{ carrier: cookie, name: sid }}\n\
             steps: {{ login: POST /login, whoami: {{ request: GET /me, logged_in: \
             {{ body: \"{{{{user.name}}}}\" }} }}, logout: POST /logout }}\n"
        );
        let recipe = Recipe::read(&recipe).unwrap();
        let secrets = Secrets::fetch(&recipe, ".".as_ref(), |_| Some("secret".to_owned())).unwrap();
        let reach = Reach::find(&recipe.target.scope).await.unwrap();
        let tls = tls(&recipe).unwrap();
        let recipe = Arc::new(recipe);
        let (_stay, cancelled) = watch::channel(false);
        let client = Client::new(
            Arc::clone(&recipe),
            reach,
            tls,
            "test".to_owned(),
            cancelled,
        );
        let origins = recipe.target.scope.clone();
        let run = Run::new(recipe, Arc::new(client), secrets);
        let (proven, ()) = tokio::join!(prove(&run, &origins), host);
        proven
    }

    #[tokio::test]
    async fn given_a_host_that_shows_the_nonce_and_nothing_else_when_asked_then_it_is_proven() {
        assert_eq!(
            proven(200, "0123456789abcdef0123456789abcdef\n").await,
            Ok(())
        );
        for (status, shown) in [
            (404, NONCE),
            (200, ""),
            (200, "<html>0123456789abcdef0123456789abcdef</html>"),
            (200, "ffffffffffffffffffffffffffffffff"),
        ] {
            let refused = proven(status, shown).await;
            assert!(matches!(refused, Err(Trouble::Stop(_))), "{status} {shown}");
        }
    }
}
