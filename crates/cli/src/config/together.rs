//! What settings say together: what cannot be meant, and what probably is not.

use innkeeper_domain::policy::Warning;

use super::Config;
use super::problem::{Fault, Problems};
use super::schema::{GatewayHeaders, Section, StoreKind};
use super::url::is_on_this_machine;

impl Config {
    /// Notes settings that ask for what others have ruled out.
    pub(super) fn judge(&self, problems: &mut Problems) {
        self.judge_certificate(problems);
        self.judge_url(problems);
        self.judge_snapshots(problems);
        self.judge_gateway(problems);
        self.judge_providers(problems);
        self.judge_headers(problems);
        if self.store.kind != StoreKind::Embedded || problems.concern("store.kind") {
            return;
        }
        let has_url = self.store.url.is_some() || self.store.url_file.is_some();
        for key in ["store.url", "store.url_file"] {
            if let Some(origin) = self.origins.get(key).filter(|_| has_url) {
                problems.note(origin, key.to_owned(), || {
                    Fault::Contradicts(
                        "is of no use to the store of kind \"embedded\", which lies in store.path: \
                         leave it out, or set store.kind to \"postgres\" or \"redis\"",
                    )
                });
            }
        }
        // Nothing is what happens anyway: the one node there is sees every end at once.
        if let Some(origin) = self.origins.get("store.lease")
            && self.store.lease.is_some_and(|lease| !lease.is_zero())
        {
            problems.note(origin, "store.lease".to_owned(), || {
                Fault::Contradicts(
                    "is for stores that nodes share; with the store of kind \"embedded\" every end \
                     is seen at once: leave it out",
                )
            });
        }
    }

    fn judge_certificate(&self, problems: &mut Problems) {
        let (named, missing) = match (&self.tls.cert_file, &self.tls.key_file) {
            (Some(_), None) => ("server.tls.cert_file", "server.tls.key_file"),
            (None, Some(_)) => ("server.tls.key_file", "server.tls.cert_file"),
            _ => return,
        };
        if !problems.within("server.tls") {
            problems.note(self.origin(named), missing.to_owned(), || {
                Fault::Missing("is missing: cert_file and key_file belong together, name both")
            });
        }
    }

    /// A shared store is where one URL says.
    fn judge_url(&self, problems: &mut Problems) {
        let needs = match self.store.kind {
            StoreKind::Embedded => return,
            StoreKind::Postgres => {
                "is missing: store.kind = \"postgres\" needs store.url = \
                 \"postgres://user@host/database\", or the name of a file that holds it in \
                 store.url_file"
            }
            StoreKind::Redis => {
                "is missing: store.kind = \"redis\" needs store.url = \
                 \"redis://user@host:6379\", or the name of a file that holds it in store.url_file"
            }
        };
        let (key, named, fault) = match (&self.store.url, &self.store.url_file) {
            (None, None) => ("store.url", "store.kind", Fault::Missing(needs)),
            (Some(_), Some(_)) => (
                "store.url_file",
                "store.url_file",
                Fault::Contradicts("is set beside store.url: leave one of them out"),
            ),
            _ => return,
        };
        if !problems.within("store") {
            problems.note(self.origin(named), key.to_owned(), || fault);
        }
    }

    fn judge_snapshots(&self, problems: &mut Problems) {
        let is_told = self.store.allow_snapshots
            && self.store.kind != StoreKind::Redis
            && !problems.concern("store.kind");
        if let Some(origin) = self
            .origins
            .get("store.allow_snapshots")
            .filter(|_| is_told)
        {
            problems.note(origin, "store.allow_snapshots".to_owned(), || {
                Fault::Contradicts(
                    "is for stores of kind \"redis\": leave it out, or set store.kind = \"redis\"",
                )
            });
        }
    }

    /// Whoever signs in sends a form, which is taken only from our own address, and gets a cookie,
    /// which browsers keep by https or on this machine. Without either nobody could sign in.
    fn judge_gateway(&self, problems: &mut Problems) {
        if !self.gateway.is_on() || problems.within("server") {
            return;
        }
        let on = self.origin("gateway.sign_in");
        match &self.server.public_url {
            None if !self.server.listen.ip().is_loopback() => {
                problems.note(on, "server.public_url".to_owned(), || {
                    Fault::Missing(
                        "is missing: the sign-in page takes forms only from the address under \
                         which browsers see it, such as \"https://app.example\"; set it, or listen \
                         on 127.0.0.1 for browsers of this machine alone",
                    )
                });
            }
            Some(url) if url.starts_with("http:") && !is_on_this_machine(url) => {
                let origin = self.origin("server.public_url");
                problems.note(origin, "server.public_url".to_owned(), || {
                    Fault::Contradicts(
                        "is plain http, by which browsers do not keep the cookie of the sign-in \
                         page: serve it by https://; only addresses of this machine do without",
                    )
                });
            }
            _ => {}
        }
    }

    /// Two values of one header would be one, and nobody could tell of which.
    fn judge_headers(&self, problems: &mut Problems) {
        let names = self.headers.names();
        let all = names.all();
        let keys = GatewayHeaders::KEYS;
        for (place, name) in all.iter().enumerate() {
            if let Some(first) = all[..place].iter().position(|before| before == name) {
                // One of both was set; the other may be a default.
                let key = |place: usize| format!("gateway.headers.{}", keys[place]);
                let set = [key(place), key(first)];
                let set = set.into_iter().find(|key| self.origins.contains_key(key));
                let Some(set) = set.filter(|_| !problems.within("gateway.headers")) else {
                    continue;
                };
                problems.note(self.origin(&set), set.clone(), || {
                    Fault::Contradicts("is the name of another of these headers: give each its own")
                });
            }
        }
    }

    /// What is accepted and probably not meant.
    pub(crate) fn warnings(&self) -> Vec<Warning> {
        let unserved = self.unserved.iter().map(|(section, what)| Warning {
            place: section.clone(),
            text: format!(
                "{what} is not available in this version: the section does nothing, leave it out"
            ),
        });
        let seen = self.server.public_url.as_deref();
        let in_clear = seen.filter(|url| url.starts_with("http:") && !is_on_this_machine(url));
        let in_clear = in_clear.map(|_| Warning {
            place: "server.public_url".to_owned(),
            text:
                "with http:// everybody on the way can read and take over sessions, and browsers \
                   do not keep the cookie, which is __Host-: serve it by https://"
                    .to_owned(),
        });
        let of_policy = self.policy.warnings();
        unserved.chain(in_clear).chain(of_policy).collect()
    }

    /// The settings of another reading that wait for a restart, in full.
    pub(crate) fn waiting(&self, read_again: &Self) -> Vec<String> {
        let mut waiting = Vec::new();
        let mut compare = |section: &str, keys: Vec<&str>| {
            waiting.extend(keys.iter().map(|key| format!("{section}.{key}")));
        };
        compare("server", self.server.changed(&read_again.server));
        compare("server.tls", self.tls.changed(&read_again.tls));
        compare("store", self.store.changed(&read_again.store));
        compare("journal", self.journal.changed(&read_again.journal));
        compare("log", self.log.changed(&read_again.log));
        compare("gateway", self.gateway.changed(&read_again.gateway));
        compare("gateway.headers", self.headers.changed(&read_again.headers));
        if self.public != read_again.public {
            compare("gateway", vec!["public"]);
        }
        if self.providers.len() != read_again.providers.len() {
            compare("gateway", vec!["provider"]);
        }
        for (before, after) in self.providers.iter().zip(&read_again.providers) {
            compare("gateway.provider", before.changed(after));
        }
        #[cfg(feature = "otel")]
        compare("telemetry", self.telemetry.changed(&read_again.telemetry));
        compare("outgoing", self.outgoing.changed(&read_again.outgoing));
        waiting
    }
}
