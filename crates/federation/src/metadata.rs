//! What a provider publishes of itself (OpenID Connect Discovery 1.0, 3).

use serde::Deserialize;

use crate::address::Endpoint;
use crate::error::ProviderFault;
use crate::jwk::Algorithm;

/// What is used of it.
#[derive(Debug)]
pub(crate) struct Metadata {
    pub(crate) authorization: Endpoint,
    pub(crate) token: Endpoint,
    pub(crate) keys: Endpoint,
    pub(crate) end_session: Option<Endpoint>,
    /// Whether it names itself in its answers (RFC 9207).
    pub(crate) names_itself: bool,
    pub(crate) algorithms: Vec<Algorithm>,
    pub(crate) proof: Proof,
}

/// How a client proves which one it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Proof {
    /// In the `Authorization` header.
    Basic,
    /// In the form.
    Post,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    end_session_endpoint: Option<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    id_token_signing_alg_values_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

/// Where a provider publishes it.
pub(crate) fn address(issuer: &str) -> String {
    let issuer = issuer.strip_suffix('/').unwrap_or(issuer);
    format!("{issuer}/.well-known/openid-configuration")
}

impl Metadata {
    /// Reads what the provider of that name published. One that speaks of itself under another
    /// name is not that provider (Discovery 4.3).
    pub(crate) fn parse(json: &[u8], issuer: &str) -> Result<Self, ProviderFault> {
        let what = "the discovery document";
        let document: Document = serde_json::from_slice(json)
            .map_err(|source| ProviderFault::Unreadable { what, source })?;
        if document.issuer != issuer {
            return Err(ProviderFault::Issuer);
        }
        // One elsewhere leads nobody to what listens on this machine.
        let fits = |text: &str| text.starts_with("https://") || issuer.starts_with("http://");
        let endpoint = |text: &str, name| match Endpoint::parse(text) {
            Ok(endpoint) if fits(endpoint.as_str()) => Ok(endpoint),
            Ok(_) | Err(_) => Err(ProviderFault::Endpoint(name)),
        };
        let algorithms = match document.id_token_signing_alg_values_supported {
            Some(names) => names.iter().filter_map(|n| Algorithm::named(n)).collect(),
            None => vec![Algorithm::Rs256],
        };
        if algorithms.is_empty() {
            return Err(ProviderFault::Algorithms);
        }
        let proof = match document.token_endpoint_auth_methods_supported {
            Some(methods) if !methods.iter().any(|m| m == "client_secret_basic") => Proof::Post,
            _ => Proof::Basic,
        };
        let end_session = document.end_session_endpoint.as_deref();
        Ok(Self {
            authorization: endpoint(&document.authorization_endpoint, "authorization_endpoint")?,
            token: endpoint(&document.token_endpoint, "token_endpoint")?,
            keys: endpoint(&document.jwks_uri, "jwks_uri")?,
            end_session: end_session
                .map(|text| endpoint(text, "end_session_endpoint"))
                .transpose()?,
            names_itself: document.authorization_response_iss_parameter_supported,
            algorithms,
            proof,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn document() -> Value {
        json!({
            "issuer": "https://id.example",
            "authorization_endpoint": "https://id.example/auth",
            "token_endpoint": "https://id.example/token",
            "jwks_uri": "https://id.example/keys",
        })
    }

    fn parse(change: impl FnOnce(&mut Value)) -> Result<Metadata, ProviderFault> {
        let mut document = document();
        change(&mut document);
        Metadata::parse(document.to_string().as_bytes(), "https://id.example")
    }

    #[test]
    fn given_the_least_document_when_read_then_what_is_left_out_is_as_the_standard_has_it() {
        let metadata = parse(|_| {}).unwrap();

        assert_eq!(metadata.algorithms, [Algorithm::Rs256]);
        assert_eq!(metadata.proof, Proof::Basic);
        assert!(!metadata.names_itself && metadata.end_session.is_none());
    }

    #[test]
    fn given_a_document_that_is_not_to_be_trusted_when_read_then_it_is_refused() {
        type Spoil = fn(&mut Value);
        let cases: [(Spoil, &str); 7] = [
            (|d| d["issuer"] = json!("https://evil.example"), "issuer"),
            (|d| d["issuer"] = json!("https://id.example/"), "issuer"),
            (
                |d| d["token_endpoint"] = json!("http://id.example/token"),
                "token_endpoint",
            ),
            (
                |d| d["jwks_uri"] = json!("http://127.0.0.1:7071/"),
                "jwks_uri",
            ),
            (|d| d["jwks_uri"] = json!("file:///etc/passwd"), "jwks_uri"),
            (
                |d| d["id_token_signing_alg_values_supported"] = json!(["none", "HS256"]),
                "algorithms",
            ),
            (|d| d["token_endpoint"] = Value::Null, "unreadable"),
        ];
        for (spoil, word) in cases {
            let fault = parse(spoil).expect_err(word).to_string();
            assert!(fault.contains(word), "{word}: {fault}");
        }
    }

    #[test]
    fn given_an_issuer_when_its_document_is_looked_for_then_a_slash_at_its_end_counts_once() {
        let there = "https://id.example/realms/a/.well-known/openid-configuration";

        assert_eq!(address("https://id.example/realms/a"), there);
        assert_eq!(address("https://id.example/realms/a/"), there);
    }
}
