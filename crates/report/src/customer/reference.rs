//! The clauses that findings refer to, with what each asks and where it is to be read.

use serde::Serialize;

/// A clause of a standard.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Reference {
    /// How it is cited.
    pub name: &'static str,
    /// What it asks, in a few words of our own.
    pub words: &'static str,
    /// Where it is to be read.
    pub link: &'static str,
}

const ASVS: &str = "https://owasp.org/www-project-application-security-verification-standard/";
const NIST_53: &str = "https://csrc.nist.gov/pubs/sp/800/53/r5/upd1/final";
const NIST_63: &str = "https://pages.nist.gov/800-63-4/sp800-63b.html";
const PCI: &str = "https://www.pcisecuritystandards.org/document_library/";

/// The clause of this name.
#[must_use]
pub fn reference(name: &str) -> Option<Reference> {
    ALL.iter().find(|known| known.name == name).copied()
}

macro_rules! cwe {
    ($number:literal, $words:literal) => {
        Reference {
            name: concat!("CWE-", $number),
            words: $words,
            link: concat!("https://cwe.mitre.org/data/definitions/", $number, ".html"),
        }
    };
}

const fn of(name: &'static str, words: &'static str, link: &'static str) -> Reference {
    Reference { name, words, link }
}

/// Every clause that a topic names.
pub(super) const ALL: &[Reference] = &[
    cwe!(
        "200",
        "Exposure of sensitive information to an unauthorised actor"
    ),
    cwe!("294", "Authentication bypass by capture-replay"),
    cwe!("362", "Race condition"),
    cwe!("367", "Time-of-check to time-of-use race condition"),
    cwe!("384", "Session fixation"),
    cwe!("488", "Exposure of a data element to the wrong session"),
    cwe!("524", "Use of a cache that holds sensitive information"),
    cwe!("613", "Insufficient session expiration"),
    cwe!("614", "Sensitive cookie without the Secure attribute"),
    cwe!(
        "639",
        "Authorisation bypass through a key the user controls"
    ),
    cwe!("778", "Insufficient logging"),
    cwe!("862", "Missing authorisation"),
    cwe!("1004", "Sensitive cookie without the HttpOnly attribute"),
    cwe!("1275", "Sensitive cookie with improper SameSite attribute"),
    of(
        "ASVS 5.0 3.3",
        "Cookies carry Secure, HttpOnly, SameSite and a prefixed name",
        ASVS,
    ),
    of(
        "ASVS 5.0 6.3.4",
        "Every way to sign in is held to the same controls",
        ASVS,
    ),
    of(
        "ASVS 5.0 6.3.5",
        "Users are told of suspicious sign-ins",
        ASVS,
    ),
    of(
        "ASVS 5.0 7.1.2",
        "How many sessions at one time, and what happens at the limit, is documented and enforced",
        ASVS,
    ),
    of(
        "ASVS 5.0 7.2.3",
        "Reference tokens have at least 128 bits of entropy",
        ASVS,
    ),
    of(
        "ASVS 5.0 7.2.4",
        "A new session token is made at authentication, and the old one ended",
        ASVS,
    ),
    of(
        "ASVS 5.0 7.3",
        "Sessions end after inactivity and after an absolute time",
        ASVS,
    ),
    of(
        "ASVS 5.0 7.4.1",
        "A session that was ended cannot be used any more",
        ASVS,
    ),
    of(
        "ASVS 5.0 7.4.2",
        "All sessions end when an account is disabled or deleted",
        ASVS,
    ),
    of(
        "ASVS 5.0 7.4.3",
        "All other sessions can be ended after a change of an authentication factor",
        ASVS,
    ),
    of(
        "ASVS 5.0 7.5.2",
        "Users see their sessions and can end any of them",
        ASVS,
    ),
    of(
        "ASVS 5.0 8.2.2",
        "Access to data is restricted to who may see it",
        ASVS,
    ),
    of(
        "ASVS 5.0 10.4.5",
        "Replayed refresh tokens are noticed",
        ASVS,
    ),
    of("ASVS 5.0 14.3.2", "Sensitive answers are not cached", ASVS),
    of(
        "ASVS 5.0 15.4",
        "Shared state is accessed safely, and checked and used in one step",
        ASVS,
    ),
    of("ASVS 5.0 16.2.5", "Session tokens are not logged", ASVS),
    of(
        "NIST SP 800-53 AC-9",
        "The user is told of the previous logon",
        NIST_53,
    ),
    of(
        "NIST SP 800-53 AC-10",
        "The number of concurrent sessions is limited",
        NIST_53,
    ),
    of(
        "NIST SP 800-53 AC-12",
        "Sessions end on defined conditions, and a logout is offered",
        NIST_53,
    ),
    of(
        "NIST SP 800-63B 5.1",
        "Session secrets are bound, erased at logout and time out",
        NIST_63,
    ),
    of(
        "PCI DSS 4.0.1 8.2.8",
        "After 15 minutes of inactivity the user signs in again",
        PCI,
    ),
    of(
        "PCI DSS 4.0.1 6.2.4",
        "Attacks on access control and session handling are prevented in software",
        PCI,
    ),
    of(
        "Fluid Attacks 025",
        "Concurrent sessions of a user are managed",
        "https://help.fluidattacks.com/portal/en/kb/articles/criteria-requirements-025",
    ),
    of(
        "WSTG-SESS-01",
        "Testing the session management schema",
        WSTG_01,
    ),
    of("WSTG-SESS-02", "Testing cookie attributes", WSTG_02),
    of("WSTG-SESS-03", "Testing session fixation", WSTG_03),
    of("WSTG-SESS-06", "Testing logout", WSTG_06),
    of("WSTG-SESS-07", "Testing the session time-out", WSTG_07),
    of("WSTG-SESS-09", "Testing session hijacking", WSTG_09),
    of("WSTG-SESS-11", "Testing concurrent sessions", WSTG_11),
];

macro_rules! wstg {
    ($name:ident, $page:literal) => {
        const $name: &str = concat!(
            "https://owasp.org/www-project-web-security-testing-guide/latest/",
            "4-Web_Application_Security_Testing/06-Session_Management_Testing/",
            $page
        );
    };
}

wstg!(WSTG_01, "01-Testing_for_Session_Management_Schema");
wstg!(WSTG_02, "02-Testing_for_Cookies_Attributes");
wstg!(WSTG_03, "03-Testing_for_Session_Fixation");
wstg!(WSTG_06, "06-Testing_for_Logout_Functionality");
wstg!(WSTG_07, "07-Testing_Session_Timeout");
wstg!(WSTG_09, "09-Testing_for_Session_Hijacking");
wstg!(WSTG_11, "11-Testing_for_Concurrent_Sessions");
