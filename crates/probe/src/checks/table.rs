//! All checks, in the order in which they are made.

use innkeeper_report::Severity;

use super::catalogue::{Check, Class, Group, Need};

const fn check(
    id: &'static str,
    covers: &'static [&'static str],
    severity: Severity,
    question: &'static str,
    group: Group,
    cost: (u32, u32),
) -> Check {
    Check {
        id,
        covers,
        question,
        severity,
        needs: &[],
        class: Class::Session,
        group,
        cost,
    }
}

impl Check {
    const fn needs(self, needs: &'static [Need]) -> Self {
        Self { needs, ..self }
    }

    const fn class(self, class: Class) -> Self {
        Self { class, ..self }
    }
}

use Severity::{Critical, High, Info, Low, Medium};

/// All checks, in the order in which they are made.
pub const CHECKS: &[Check] = &[
    check(
        "PRB-CAL-001",
        &[],
        Info,
        "Can signed in be told from signed out here?",
        Group::Calibration,
        (5, 1),
    ),
    check(
        "PRB-COOK-001",
        &["P-31", "P-32", "P-33"],
        Medium,
        "Is the credential hard to guess, kept from scripts and from other sites, and in no address?",
        Group::Cookie,
        (1, 0),
    ),
    check(
        "PRB-CACHE-001",
        &["P-49"],
        Medium,
        "May no shared cache keep what only the user may see?",
        Group::Cache,
        (2, 0),
    ),
    check(
        "PRB-CONC-001",
        &["P-01"],
        Low,
        "A signs in, B signs in: does that go as the policy says?",
        Group::Concurrency,
        (5, 1),
    ),
    check(
        "PRB-LIST-001",
        &["P-12"],
        Low,
        "Are all sessions of the user listed?",
        Group::List,
        (6, 1),
    )
    .needs(&[Need::List]),
    check(
        "PRB-LIST-002",
        &["P-12"],
        Low,
        "Does the list say which is which: current, device, address, time?",
        Group::List,
        (0, 0),
    )
    .needs(&[Need::List]),
    check(
        "PRB-LIST-003",
        &["P-13"],
        High,
        "Does the list hold nothing that works as a credential?",
        Group::List,
        (31, 0),
    )
    .needs(&[Need::List]),
    check(
        "PRB-LIST-004",
        &["P-17"],
        High,
        "Does another user not see them?",
        Group::Strangers,
        (9, 1),
    )
    .needs(&[Need::List, Need::Other]),
    check(
        "PRB-REV-003",
        &["P-17"],
        High,
        "Can another user not end them?",
        Group::Strangers,
        (4, 0),
    )
    .needs(&[Need::List, Need::Revoke, Need::Other]),
    check(
        "PRB-REV-001",
        &["P-14"],
        High,
        "A ends B: is B signed out?",
        Group::Revoke,
        (10, 1),
    )
    .needs(&[Need::List, Need::Revoke]),
    check(
        "PRB-REV-002",
        &["P-14"],
        High,
        "A ends B: does A stay?",
        Group::Revoke,
        (1, 0),
    )
    .needs(&[Need::List, Need::Revoke]),
    check(
        "PRB-LOGOUT-001",
        &["P-18"],
        High,
        "Does signing out end the session at the server?",
        Group::Logout,
        (6, 1),
    ),
    check(
        "PRB-LOGOUT-002",
        &["P-15"],
        Medium,
        "Does signing out everywhere end the others?",
        Group::LogoutAll,
        (9, 1),
    )
    .needs(&[Need::LogoutAll]),
    check(
        "PRB-FIX-001",
        &["P-29"],
        High,
        "Does signing in give a new credential?",
        Group::Fixation,
        (6, 1),
    )
    .needs(&[Need::Cookie]),
    check(
        "PRB-FIX-002",
        &["P-29"],
        High,
        "Is a credential that was chosen beforehand refused?",
        Group::Fixation,
        (6, 1),
    )
    .needs(&[Need::Cookie]),
    check(
        "PRB-REF-001",
        &["P-36"],
        Medium,
        "Does refreshing give a new credential?",
        Group::Refresh,
        (4, 1),
    )
    .needs(&[Need::Refresh]),
    check(
        "PRB-REF-002",
        &["P-36"],
        Medium,
        "Is an old refresh refused, and does it end the family?",
        Group::Refresh,
        (4, 0),
    )
    .needs(&[Need::Refresh]),
    check(
        "PRB-REF-003",
        &["P-35", "P-37"],
        High,
        "After signing out, is a refresh refused?",
        Group::Outlived,
        (6, 1),
    )
    .needs(&[Need::Refresh]),
    check(
        "PRB-BIND-001",
        &["P-46"],
        High,
        "What happens to a credential that turns up elsewhere?",
        Group::Binding,
        (3, 0),
    ),
    check(
        "PRB-LIMIT-001",
        &["P-02", "P-03"],
        Medium,
        "How many sessions may a user hold, and who goes?",
        Group::Limit,
        (40, 5),
    ),
    check(
        "PRB-LIMIT-003",
        &["P-05"],
        Medium,
        "Does the limit hold over other ways to sign in?",
        Group::Paths,
        (40, 6),
    )
    .needs(&[Need::MaxSessions, Need::OtherLogins]),
    check(
        "PRB-LIMIT-004",
        &["P-07", "P-08"],
        Low,
        "Is a seat that was signed out of free at once, and does a refusal lock nobody out?",
        Group::Seat,
        (30, 5),
    )
    .needs(&[Need::MaxSessions]),
    check(
        "PRB-PWD-001",
        &["P-20"],
        High,
        "Does changing the password end the other sessions?",
        Group::Password,
        (30, 3),
    )
    .needs(&[Need::ChangePassword])
    .class(Class::Account),
    check(
        "PRB-LIMIT-002",
        &["P-04"],
        Medium,
        "Does the limit hold when many sign in at one moment?",
        Group::Race,
        (400, 60),
    )
    .needs(&[Need::MaxSessions])
    .class(Class::Burst),
    check(
        "PRB-RES-001",
        &["P-42"],
        High,
        "Does an ended session stay ended, whatever was in flight?",
        Group::InFlight,
        (400, 20),
    )
    .needs(&[Need::List, Need::Revoke, Need::SlowRead])
    .class(Class::Burst),
    check(
        "PRB-ISO-001",
        &["P-39"],
        Critical,
        "Is nobody taken for somebody else when two users ask at one moment?",
        Group::Isolation,
        (210, 2),
    )
    .needs(&[Need::Other])
    .class(Class::Burst),
    check(
        "PRB-IDLE-001",
        &["P-26"],
        Medium,
        "Does a session that nobody uses end as soon as the policy says?",
        Group::Idle,
        (3, 2),
    )
    .needs(&[Need::Idle]),
    check(
        "PRB-ABS-001",
        &["P-27"],
        Medium,
        "Does a session end as soon as the policy says, however much it is used?",
        Group::Absolute,
        (20, 2),
    )
    .needs(&[Need::Absolute]),
];
