//! What a check of a running application and a rule about its source have in common: the control
//! that both are about.

/// One control, and all that is to be said where it is missing.
#[derive(Clone, Copy, Debug)]
pub struct Topic {
    /// Its key, which also orders nothing and never changes.
    pub key: &'static str,
    /// What is wrong, as a heading.
    pub title: &'static str,
    /// The checks of `probe` about it.
    pub checks: &'static [&'static str],
    /// The rules of `scan` about it.
    pub rules: &'static [&'static str],
    /// Why it matters, to somebody who does not write software.
    pub why: &'static str,
    /// What to do where sessions are records at the server.
    pub stored: &'static str,
    /// What to do where a token says by itself that it is valid. Empty: the same.
    pub token: &'static str,
    /// What Innkeeper does about it.
    pub innkeeper: &'static str,
    /// The lines of its configuration for that; empty where it needs none.
    pub settings: &'static str,
    /// The clauses that ask for it.
    pub references: &'static [&'static str],
}

impl Topic {
    /// The topic that a check or a rule belongs to.
    #[must_use]
    pub fn of(id: &str) -> &'static Self {
        let belongs = |topic: &&Self| topic.checks.contains(&id) || topic.rules.contains(&id);
        TOPICS.iter().find(belongs).unwrap_or(&OTHER)
    }
}

/// For what a later version found, and this one has no words for.
pub const OTHER: Topic = Topic {
    key: "other",
    title: "Further gaps in session control",
    checks: &[],
    rules: &[],
    why: "The gap weakens the control that users and operators have over sessions.",
    stored: "See what each check or rule says.",
    token: "",
    innkeeper: "See its manual for the control in question.",
    settings: "",
    references: &["CWE-613"],
};

/// All topics, in the order in which a report speaks of them among equals.
pub const TOPICS: &[Topic] = &[
    Topic {
        key: "isolation",
        title: "One user is taken for another",
        checks: &["PRB-ISO-001"],
        rules: &["CSC-SHARED-001"],
        why: "When two users ask at the same moment, one of them can be answered with the identity \
              or the data of the other. Nobody has to attack anything for this to happen: ordinary \
              load is enough, and those affected see each other's data.",
        stored: "Keep the identity of the caller with the request and hand it on as an argument. \
                 Nothing that lives longer than the request, such as a module variable, a singleton \
                 or a cached object, may hold it.",
        token: "",
        innkeeper: "The caller is known from the answer to each check, which names exactly one \
                    subject, and there is no ambient identity to mix up.",
        settings: "",
        references: &["CWE-488", "CWE-362", "ASVS 5.0 15.4", "PCI DSS 4.0.1 6.2.4"],
    },
    Topic {
        key: "limit",
        title: "Concurrent sessions are not limited",
        checks: &["PRB-LIMIT-001", "PRB-CONC-001", "PRB-LIMIT-003"],
        rules: &[
            "CSC-LIMIT-001",
            "CSC-LIMIT-002",
            "CSC-LIMIT-003",
            "CSC-LIMIT-004",
            "CSC-LIMIT-005",
            "CSC-LIMIT-006",
        ],
        why: "Whoever gets hold of a password can work beside its owner for as long as they like, \
              and neither the owner nor the application notices. Shared accounts, forgotten \
              sign-ins on other machines and stolen sessions stay open side by side.",
        stored: "Keep a record of the live sessions of each user. At sign-in, count and create in \
                 one atomic step, and end the session that has been silent longest, or refuse, once \
                 the limit of the policy is reached. Hold every way to sign in to it.",
        token: "Give each token an id and keep a record of the live ids of each user. At sign-in, \
                count and create in one atomic step, and take the oldest id off the record once the \
                limit is reached. Refuse a token whose id is not on the record, or keep its life \
                down to a few minutes.",
        innkeeper: "Counts the sessions of each subject and decides at sign-in in one step, exactly, \
                    on every node and every way to sign in.",
        settings: "[policy]\nmax_sessions = 5\nat_limit = \"evict-least-recent\"",
        references: &[
            "CWE-613",
            "ASVS 5.0 7.1.2",
            "ASVS 5.0 6.3.4",
            "WSTG-SESS-11",
            "NIST SP 800-53 AC-10",
            "Fluid Attacks 025",
            "PCI DSS 4.0.1 6.2.4",
        ],
    },
    Topic {
        key: "race",
        title: "The limit does not hold when many sign in at once",
        checks: &["PRB-LIMIT-002"],
        rules: &["CSC-RACE-001"],
        why: "The limit counts first and writes afterwards. Sign-ins that arrive in the same moment \
              all count the same free seat and all take it, so a script gets past the limit whenever \
              it wants to.",
        stored: "Count and create in one step that nobody can come between: a transaction with the \
                 user's row locked, a unique constraint on user and seat, or a script inside the \
                 store.",
        token: "",
        innkeeper: "Commits each decision against the version of the roster it was made for, and \
                    decides again if another sign-in got there first.",
        settings: "",
        references: &[
            "CWE-362",
            "CWE-367",
            "ASVS 5.0 15.4",
            "NIST SP 800-53 AC-10",
        ],
    },
    Topic {
        key: "seat",
        title: "The limit keeps out whom it should let in",
        checks: &["PRB-LIMIT-004"],
        rules: &[],
        why: "A seat that was freed stays taken, or whoever is refused at the limit is kept out \
              longer than the limit asks. The person whose account it is then cannot sign in, while \
              a stolen session lives on.",
        stored: "Count the sessions that are live now instead of a number that is raised and \
                 lowered, and do not count a refusal at the limit as a failed sign-in.",
        token: "Take an id off the record as soon as its session ends or expires, and do not count \
                a refusal at the limit as a failed sign-in.",
        innkeeper: "Counts what is live, so a seat is free as soon as its session has ended; a \
                    refusal changes nothing, and who proves as much again may end own sessions.",
        settings: "",
        references: &["ASVS 5.0 7.1.2", "NIST SP 800-53 AC-10"],
    },
    Topic {
        key: "resurrection",
        title: "An ended session comes back",
        checks: &["PRB-RES-001", "PRB-RES-002"],
        rules: &["CSC-RACE-002"],
        why: "A request that was under way while its session was ended writes the session back. \
              Whoever was signed out, by the owner or by an administrator, is signed in again.",
        stored: "Write a session only if it is still there (compare and set), never as a whole and \
                 unconditionally. Let what has ended stay on record as ended for as long as any \
                 request may be under way.",
        token: "Look at the record of live ids when a token is renewed, in the same step in which \
                the new one is issued.",
        innkeeper: "Ended is final: no write in any order makes an ended session live again.",
        settings: "",
        references: &["CWE-362", "CWE-613", "ASVS 5.0 7.4.1", "ASVS 5.0 15.4"],
    },
    Topic {
        key: "ownership",
        title: "Sessions of other users can be seen or ended",
        checks: &["PRB-LIST-004", "PRB-REV-003"],
        rules: &["CSC-REVOKE-005"],
        why: "A user reaches the sessions of another one: reads where they are signed in, or throws \
              them out. The application looks up the session by what the caller sends, and not by \
              whose it is.",
        stored: "Make the owner part of the query: look up a session by its id and by the user of \
                 the present request, and answer as if it did not exist where both do not match.",
        token: "",
        innkeeper: "A person reaches own sessions alone; to everybody else they look absent.",
        settings: "",
        references: &["CWE-639", "CWE-862", "ASVS 5.0 8.2.2", "ASVS 5.0 7.5.2"],
    },
    Topic {
        key: "leak",
        title: "Session secrets are shown or written down",
        checks: &["PRB-LIST-003"],
        rules: &["CSC-LEAK-001"],
        why: "What opens a session is to be read where others read too. Whoever sees the list, the \
              log or the table can act as the user.",
        stored: "Give each session a public id apart from its secret, show and log that id alone, \
                 and store a digest of the secret.",
        token: "",
        innkeeper: "Lists, logs and events name a session by an id that opens nothing; the store \
                    holds digests.",
        settings: "",
        references: &["CWE-200", "ASVS 5.0 16.2.5", "ASVS 5.0 7.5.2"],
    },
    Topic {
        key: "fixation",
        title: "A session can be prepared before its owner signs in",
        checks: &["PRB-FIX-001", "PRB-FIX-002"],
        rules: &["CSC-FIX-001", "CSC-FIX-002"],
        why: "The application keeps the identifier of before the sign-in. Somebody who planted it in \
              the victim's browser, or read it there, is signed in as soon as the victim is.",
        stored: "Make a new session id at every change of who is signed in, end the old one, and \
                 never adopt an id that the client brought.",
        token: "",
        innkeeper: "Every sign-in gives a new token that the server drew; what a client brings is \
                    never adopted.",
        settings: "",
        references: &["CWE-384", "ASVS 5.0 7.2.4", "WSTG-SESS-03"],
    },
    Topic {
        key: "logout",
        title: "Signing out does not end the session",
        checks: &["PRB-LOGOUT-001"],
        rules: &["CSC-LOGOUT-001"],
        why: "Signing out makes the browser forget the session, and the server goes on accepting it. \
              Who copied it before, from a shared machine or from a log, stays signed in.",
        stored: "End the session at the server when the user signs out, and take the cookie away \
                 besides.",
        token: "Take the id of the token off the record of live ids, and refuse what is not on it; a \
                token that only expires cannot be signed out of.",
        innkeeper: "`POST /me/logout` ends the session before it is answered, durably and on every \
                    node.",
        settings: "",
        references: &[
            "CWE-613",
            "ASVS 5.0 7.4.1",
            "WSTG-SESS-06",
            "NIST SP 800-53 AC-12",
            "NIST SP 800-63B 5.1",
        ],
    },
    Topic {
        key: "password",
        title: "Other sessions outlive a change of the account",
        checks: &["PRB-PWD-001", "PRB-MFA-001", "PRB-DIS-001"],
        rules: &["CSC-PWD-001", "CSC-PWD-002", "CSC-DISABLE-001"],
        why: "A new password is what people reach for when they fear that somebody else is in their \
              account. Here it does not help: whoever is signed in stays, and so does who was shut \
              out.",
        stored: "When a password or another factor changes, or an account is disabled, end all other \
                 sessions of the user in the same operation, and give the present one a new id.",
        token: "Keep a generation number with each user and in each token, raise it with every change \
                of a password or factor and when an account is disabled, and refuse tokens of an \
                older one.",
        innkeeper: "One call when the password has changed ends every session that rests on the old \
                    one; disabling a subject ends all, and no older evidence opens a new one.",
        settings: "",
        references: &["CWE-613", "ASVS 5.0 7.4.2", "ASVS 5.0 7.4.3"],
    },
    Topic {
        key: "remote-end",
        title: "Users cannot end their other sessions",
        checks: &["PRB-REV-001", "PRB-REV-002", "PRB-LOGOUT-002"],
        rules: &[
            "CSC-REVOKE-001",
            "CSC-REVOKE-002",
            "CSC-REVOKE-003",
            "CSC-REVOKE-004",
        ],
        why: "Who left a session open elsewhere, or lost a device, has no means of ending it that \
              works. It stays open until it expires by itself.",
        stored: "Offer the end of each session in the list and of all others at once, carry it out at \
                 the server, and check that the present session stays.",
        token: "Take the id of the chosen session off the record of live ids, together with its \
                refresh token.",
        innkeeper: "People end one or all other sessions under `/me/sessions` or on the account page; \
                    an end is in force before it is acknowledged.",
        settings: "",
        references: &["CWE-613", "ASVS 5.0 7.5.2", "NIST SP 800-53 AC-12"],
    },
    Topic {
        key: "refresh",
        title: "Refresh tokens can be used again",
        checks: &["PRB-REF-001", "PRB-REF-002", "PRB-REF-003"],
        rules: &["CSC-ROTATE-001", "CSC-ROTATE-002"],
        why: "A refresh token that was copied once gives new access for as long as it lives, beside \
              its owner, and nothing tells the two apart.",
        stored: "Give a new refresh token at every use, refuse the old one, and end all tokens that \
                 came from it when an old one turns up.",
        token: "",
        innkeeper: "One successor a token; the reuse of an older one ends the session.",
        settings: "[policy]\nrotate_every = \"1h\"\nrotation_grace = \"30s\"",
        references: &["CWE-294", "CWE-613", "ASVS 5.0 10.4.5"],
    },
    Topic {
        key: "binding",
        title: "A copied session works elsewhere",
        checks: &["PRB-BIND-001"],
        rules: &[],
        why: "Who copies the session from a browser uses it from another device and another place at \
              the same time as its owner, and nothing is asked or told.",
        stored: "Bind sessions to something that is not copied with them, such as a device cookie of \
                 another path or a key that the browser keeps, and ask for a fresh sign-in where it \
                 is missing.",
        token: "Bind tokens to a key of the client (DPoP, RFC 9449).",
        innkeeper: "Under a binding, a stolen session cookie opens nothing without its device.",
        settings: "[policy]\nbinding = \"device-cookie\"",
        references: &["CWE-294", "WSTG-SESS-09"],
    },
    Topic {
        key: "lifetime",
        title: "Sessions do not end in time",
        checks: &["PRB-IDLE-001", "PRB-ABS-001"],
        rules: &["CSC-EXPIRE-001", "CSC-EXPIRE-002"],
        why: "A session that nobody uses any more stays open, on a shared machine or in a copy, until \
              somebody finds it.",
        stored: "Keep for each session when it was last used and when it began, and refuse it after \
                 the longest silence and the longest life of the policy, at the server.",
        token: "Give tokens a short life and renew them only within the longest silence and the \
                longest life of the policy, which the server keeps.",
        innkeeper: "Both limits are computed at each check; nothing is valid at or after its deadline.",
        settings: "[policy]\nidle = \"30m\"\nabsolute = \"12h\"",
        references: &[
            "CWE-613",
            "ASVS 5.0 7.3",
            "WSTG-SESS-07",
            "NIST SP 800-53 AC-12",
            "PCI DSS 4.0.1 8.2.8",
        ],
    },
    Topic {
        key: "cookie",
        title: "The session credential is not protected",
        checks: &["PRB-COOK-001"],
        rules: &["CSC-COOKIE-001"],
        why: "The credential can be read by a script in the page, sent along by other sites, or seen \
              on the way, and is stolen more easily than it need be.",
        stored: "Set the cookie with Secure, HttpOnly, SameSite=Lax or Strict and a name that begins \
                 with __Host-, give it at least 128 random bits, and never put it into an address.",
        token: "Keep the token out of addresses and of storage that scripts read, give it a short \
                life, and prefer a cookie with Secure, HttpOnly and SameSite for browsers.",
        innkeeper: "Its cookie is `__Host-innkeeper`: Secure, HttpOnly, SameSite=Lax, 256 random bits.",
        settings: "",
        references: &[
            "CWE-614",
            "CWE-1004",
            "CWE-1275",
            "ASVS 5.0 3.3",
            "ASVS 5.0 7.2.3",
            "WSTG-SESS-01",
            "WSTG-SESS-02",
        ],
    },
    Topic {
        key: "cache",
        title: "Private answers may be cached",
        checks: &["PRB-CACHE-001"],
        rules: &[],
        why: "A cache between the application and the user may keep what only one user may see, and \
              hand it to the next.",
        stored: "Send Cache-Control: no-store with every answer that depends on who is signed in.",
        token: "",
        innkeeper: "Every private answer is no-store.",
        settings: "",
        references: &["CWE-524", "ASVS 5.0 14.3.2"],
    },
    Topic {
        key: "visibility",
        title: "Users cannot see where they are signed in",
        checks: &["PRB-LIST-001", "PRB-LIST-002", "PRB-LAST-001"],
        rules: &["CSC-LIST-001", "CSC-LIST-002"],
        why: "People cannot find out that somebody else is in their account, since nothing shows them \
              their sessions, or not all of them, or not enough to tell them apart.",
        stored: "Show each user all their live sessions, with device, place, beginning and last use, \
                 and mark the present one.",
        token: "",
        innkeeper: "Lists own sessions under `/me/sessions` and on the account page, from the same \
                    record that checks are answered from.",
        settings: "",
        references: &["CWE-778", "ASVS 5.0 7.5.2", "NIST SP 800-53 AC-9"],
    },
    Topic {
        key: "notice",
        title: "New sign-ins are not announced",
        checks: &["PRB-NOTIFY-001"],
        rules: &["CSC-NOTIFY-001"],
        why: "Nobody is told of a sign-in from a new device, so a stolen password is used unseen.",
        stored: "Tell the user of each sign-in from a device that was not seen before, by a way that \
                 the new session does not control.",
        token: "",
        innkeeper: "A sign-in on a new device is an event, and a notice to the user's other sessions.",
        settings: "[policy]\nunseen_device = \"notify\"",
        references: &["CWE-778", "ASVS 5.0 6.3.5"],
    },
    Topic {
        key: "memory",
        title: "Sessions are known to one process alone",
        checks: &[],
        rules: &["CSC-SHARED-002"],
        why: "Sessions, or their ends, are kept in the memory of one process. Another process, or the \
              same one after a restart, does not know them.",
        stored: "Keep sessions and their ends in a store that all processes share.",
        token: "",
        innkeeper: "Keeps sessions in a store that survives restarts, and that many nodes can share.",
        settings: "",
        references: &["CWE-613", "ASVS 5.0 7.4.1"],
    },
    Topic {
        key: "calibration",
        title: "Nothing could be judged",
        checks: &["PRB-CAL-001"],
        rules: &[],
        why: "Signed in could not be told from signed out, so no verdict means anything.",
        stored: "Correct the recipe: what `whoami` answers has to name the user.",
        token: "",
        innkeeper: "",
        settings: "",
        references: &[],
    },
];

#[cfg(test)]
mod tests {
    use super::super::reference::{ALL, reference};
    use super::*;

    #[test]
    fn given_the_topics_when_read_then_each_id_is_in_one_and_each_clause_is_known() {
        let mut seen = std::collections::BTreeSet::new();
        for topic in TOPICS {
            for id in topic.checks.iter().chain(topic.rules) {
                assert!(seen.insert(*id), "{id} is in two topics");
                assert_eq!(Topic::of(id).key, topic.key);
            }
            for name in topic.references {
                assert!(reference(name).is_some(), "{name}");
            }
        }
        assert_eq!(Topic::of("PRB-NEXT-001").key, "other");
        for known in ALL {
            let named = |topic: &Topic| topic.references.contains(&known.name);
            assert!(TOPICS.iter().any(named), "{} is named nowhere", known.name);
        }
    }
}
