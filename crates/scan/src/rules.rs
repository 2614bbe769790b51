//! The rules: what each is called, how serious it is, what it speaks to, and what to do.

use innkeeper_report::{Rule, RuleId, Severity};

/// Every rule the scanner knows.
pub const RULES: &[Rule] = &[
    Rule {
        id: RuleId("CSC-LIMIT-001"),
        title: "No limit on a user's concurrent sessions",
        description: "Sessions are created and nothing bounds how many of them a user has alive. Whoever steals one may keep it unseen among many.",
        severity: Severity::Medium,
        cwe: &[613],
        requirements: &["ASVS 7.1.2", "SP 800-53 AC-10", "WSTG-SESS-11"],
        remedy: "Bound the live sessions of each user in the store that holds them, in the same transaction that creates one, and decide what happens at the limit: end the longest silent, or refuse.",
    },
    Rule {
        id: RuleId("CSC-LIMIT-002"),
        title: "The limit is switched off in the shipped configuration",
        description: "A limit is written in code, and the configuration that ships turns it off.",
        severity: Severity::Medium,
        cwe: &[613, 1188],
        requirements: &["ASVS 7.1.2", "SP 800-53 AC-10", "WSTG-SESS-11"],
        remedy: "Ship a limit that is on, and let an operator raise it.",
    },
    Rule {
        id: RuleId("CSC-LIMIT-003"),
        title: "Sessions are bounded per device the client names",
        description: "The bound counts sessions of one device, and the client says which device it is.",
        severity: Severity::Low,
        cwe: &[613, 807],
        requirements: &["ASVS 7.1.2"],
        remedy: "Count by user, not by an identifier the client chooses.",
    },
    Rule {
        id: RuleId("CSC-LIMIT-004"),
        title: "Only the refresh token is bounded",
        description: "A new sign-in takes the one refresh slot, while access tokens given out before stay good until they expire.",
        severity: Severity::Low,
        cwe: &[613],
        requirements: &["ASVS 7.4.1"],
        remedy: "Check access tokens against the session they came from, or keep their life to minutes.",
    },
    Rule {
        id: RuleId("CSC-LIMIT-005"),
        title: "The limit is far above what people need",
        description: "Sessions are bounded, and so high that the bound stops a flood of sign-ins and no thief.",
        severity: Severity::Info,
        cwe: &[770],
        requirements: &["ASVS 7.1.2"],
        remedy: "Bound the sessions of a user by what one person needs; keep a bound against floods beside it.",
    },
    Rule {
        id: RuleId("CSC-LIMIT-006"),
        title: "A way of signing in goes past the limit",
        description: "One way of signing in bounds the user's sessions, and another makes a session without asking.",
        severity: Severity::Medium,
        cwe: &[613, 288],
        requirements: &["ASVS 7.1.2", "SP 800-53 AC-10"],
        remedy: "Bound sessions where they are made, so that every way of signing in passes the bound.",
    },
    Rule {
        id: RuleId("CSC-RACE-001"),
        title: "Sessions are counted and created in two steps",
        description: "Between counting and creating another sign-in can do the same, and both take the last seat.",
        severity: Severity::Medium,
        cwe: &[362, 367],
        requirements: &["ASVS 7.1.2"],
        remedy: "Count and create under one lock, in one serialisable transaction, or against a version that must not have moved.",
    },
    Rule {
        id: RuleId("CSC-RACE-002"),
        title: "A list of sessions is written back whole",
        description: "The list is read, changed in memory and stored again. Two requests at once lose a session, or bring back one that was ended.",
        severity: Severity::Medium,
        cwe: &[362],
        requirements: &["ASVS 15.4.2"],
        remedy: "Change one entry in one atomic step ($push and $pull, a row of its own for each session), or write against the version that was read.",
    },
    Rule {
        id: RuleId("CSC-LIST-001"),
        title: "A user cannot see their sessions",
        description: "Nothing shows a user where they are signed in.",
        severity: Severity::Low,
        cwe: &[613, 778],
        requirements: &["ASVS 7.5.2"],
        remedy: "Give the user a page that lists their live sessions with device, place and last use, and never with a usable token.",
    },
    Rule {
        id: RuleId("CSC-LIST-002"),
        title: "Only staff can see sessions",
        description: "Sessions are listed for administrators, and not for the user they belong to.",
        severity: Severity::Info,
        cwe: &[613, 778],
        requirements: &["ASVS 7.5.2"],
        remedy: "Show users their own sessions too.",
    },
    Rule {
        id: RuleId("CSC-REVOKE-001"),
        title: "No session can be ended remotely",
        description: "Neither a user nor an administrator can end a session other than the present one.",
        severity: Severity::Medium,
        cwe: &[613],
        requirements: &["ASVS 7.5.2", "ASVS 7.4.5"],
        remedy: "Keep sessions where they can be ended by id, check them on each request, and let the user end one, and all others.",
    },
    Rule {
        id: RuleId("CSC-REVOKE-002"),
        title: "Sessions can only be ended all at once",
        description: "Sessions can be ended together, and not one by one.",
        severity: Severity::Low,
        cwe: &[613],
        requirements: &["ASVS 7.5.2"],
        remedy: "Let a user end the one session they do not recognise.",
    },
    Rule {
        id: RuleId("CSC-REVOKE-003"),
        title: "Only staff can end sessions",
        description: "Administrators can end a session, and its user cannot.",
        severity: Severity::Low,
        cwe: &[613],
        requirements: &["ASVS 7.5.2"],
        remedy: "Let users end their own sessions.",
    },
    Rule {
        id: RuleId("CSC-REVOKE-004"),
        title: "Other sessions cannot be ended together",
        description: "Sessions can be ended one by one, and there is no way to end all others.",
        severity: Severity::Low,
        cwe: &[613],
        requirements: &["ASVS 7.5.2", "ASVS 7.4.3"],
        remedy: "Add one action that ends every session but the present one.",
    },
    Rule {
        id: RuleId("CSC-REVOKE-005"),
        title: "A session is ended without asking whose it is",
        description: "A session is ended by an id the caller names, and nothing compares its owner with the caller, though the way in beside it does.",
        severity: Severity::High,
        cwe: &[639],
        requirements: &["ASVS 7.5.2", "ASVS 8.2.2"],
        remedy: "Put the caller's user id into the condition that ends the session, and answer 404 when nothing matched.",
    },
    Rule {
        id: RuleId("CSC-NOTIFY-001"),
        title: "A new sign-in is not announced",
        description: "Nobody tells the user that their account was signed in to.",
        severity: Severity::Low,
        cwe: &[778],
        requirements: &["ASVS 6.3.5"],
        remedy: "Send a message on a sign-in from a new device, with time and place and a way to end the session.",
    },
    Rule {
        id: RuleId("CSC-FIX-001"),
        title: "The session keeps its id when somebody signs in",
        description: "Signing in writes an identity into a session whose id was there before. Whoever planted that id is signed in too.",
        severity: Severity::High,
        cwe: &[384],
        requirements: &["ASVS 7.2.4"],
        remedy: "Give the session a new id at sign-in, before identity is written to it.",
    },
    Rule {
        id: RuleId("CSC-FIX-002"),
        title: "Some ways of signing in keep the session's id",
        description: "One way in gives the session a new id, and another does not.",
        severity: Severity::Medium,
        cwe: &[384],
        requirements: &["ASVS 7.2.4"],
        remedy: "Give the session a new id on every way in.",
    },
    Rule {
        id: RuleId("CSC-PWD-001"),
        title: "Changing the password keeps other sessions",
        description: "Somebody who was let in by the old password stays in.",
        severity: Severity::High,
        cwe: &[613],
        requirements: &["ASVS 7.4.3"],
        remedy: "End the user's other sessions when the password changes.",
    },
    Rule {
        id: RuleId("CSC-PWD-002"),
        title: "Changing the password ends sessions only when asked to",
        description: "Ending other sessions on a password change is an option that is off unless somebody sets it.",
        severity: Severity::Low,
        cwe: &[613],
        requirements: &["ASVS 7.4.3"],
        remedy: "End them by default.",
    },
    Rule {
        id: RuleId("CSC-DISABLE-001"),
        title: "Disabling an account keeps its sessions",
        description: "An account is taken out of use, its sessions stay, and requests are let in without asking for the account's state.",
        severity: Severity::Medium,
        cwe: &[613],
        requirements: &["ASVS 7.4.2"],
        remedy: "End the account's sessions in the step that disables it, or ask for its state on each request.",
    },
    Rule {
        id: RuleId("CSC-LOGOUT-001"),
        title: "Signing out ends nothing on the server",
        description: "Signing out makes the browser forget, or deletes a key that was never written. The token stays good.",
        severity: Severity::Medium,
        cwe: &[613],
        requirements: &["ASVS 7.4.1"],
        remedy: "Delete the session on the server, or refuse its token from then on.",
    },
    Rule {
        id: RuleId("CSC-EXPIRE-001"),
        title: "A session token never expires",
        description: "A token is signed on a way on which nobody gives it an expiry.",
        severity: Severity::Medium,
        cwe: &[613],
        requirements: &["ASVS 7.3.2"],
        remedy: "Give every token an expiry.",
    },
    Rule {
        id: RuleId("CSC-EXPIRE-002"),
        title: "Nothing ends a session in time",
        description: "Sessions are stored, and neither silence nor age ends them.",
        severity: Severity::Low,
        cwe: &[613],
        requirements: &["ASVS 7.3.1", "ASVS 7.3.2"],
        remedy: "End sessions after a time of silence and after a whole life, and check both on the server.",
    },
    Rule {
        id: RuleId("CSC-ROTATE-001"),
        title: "The refresh token is not replaced when it is used",
        description: "A refresh token gives new access tokens again and again. A copy of it does so beside its owner, and nobody notices.",
        severity: Severity::Medium,
        cwe: &[613, 294],
        requirements: &["ASVS 10.4.5"],
        remedy: "Give out a new refresh token with each use, and refuse the old one.",
    },
    Rule {
        id: RuleId("CSC-ROTATE-002"),
        title: "A refresh token that comes back is not noticed",
        description: "Refresh tokens are replaced when used. When an old one is shown again, somebody holds a copy, and nothing ends.",
        severity: Severity::Medium,
        cwe: &[613, 294],
        requirements: &["ASVS 10.4.5"],
        remedy: "Remember which tokens were replaced, and end every token of that sign-in when one of them comes back.",
    },
    Rule {
        id: RuleId("CSC-COOKIE-001"),
        title: "The session cookie lacks flags",
        description: "The cookie that carries the session is set without a flag that keeps it from scripts, plain connections or other sites.",
        severity: Severity::Medium,
        cwe: &[614, 1004, 1275],
        requirements: &["ASVS 3.3.1", "ASVS 3.3.2"],
        remedy: "Set Secure, HttpOnly and SameSite, and a __Host- name.",
    },
    Rule {
        id: RuleId("CSC-SHARED-001"),
        title: "Identity is kept in state that callers share",
        description: "Who is asking is written where the next caller overwrites it. One user then acts with another's rights.",
        severity: Severity::High,
        cwe: &[488, 362, 863, 284],
        requirements: &["ASVS 15.4.1"],
        remedy: "Carry identity in the request's own context, and pass it to whoever decides.",
    },
    Rule {
        id: RuleId("CSC-SHARED-002"),
        title: "Sessions live in the memory of one process",
        description: "Sessions or revocations are kept in one process: another replica does not know of them, and a restart forgets them.",
        severity: Severity::Low,
        cwe: &[613],
        requirements: &["ASVS 7.4.1"],
        remedy: "Keep them in a store that all replicas share.",
    },
    Rule {
        id: RuleId("CSC-LEAK-001"),
        title: "A session's secret is written where others read it",
        description: "A token goes to a log, into an address, or into a table as it is. Whoever reads it there is signed in.",
        severity: Severity::Medium,
        cwe: &[532, 598, 312],
        requirements: &["ASVS 16.2.5", "ASVS 14.2.1"],
        remedy: "Log a public id of the session, hand tokens over in a cookie or a body, and store only their digests.",
    },
];

/// The rule of this name.
#[must_use]
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id.0.eq_ignore_ascii_case(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_all_rules_when_read_then_ids_are_unique_and_each_has_a_weakness_and_a_remedy() {
        for (index, rule) in RULES.iter().enumerate() {
            assert!(
                RULES[..index].iter().all(|other| other.id != rule.id),
                "{}",
                rule.id
            );
            assert!(
                !rule.cwe.is_empty() && !rule.remedy.is_empty(),
                "{}",
                rule.id
            );
        }
    }
}
