//! What a scan does with suppressions, baselines, policies and source that means harm.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use innkeeper_report::{Severity, Suppression};
use innkeeper_scan::{Kind, Options, Policy, Report, SkipReason, explain, run};

const LOGIN: &str = r#"
const router = require("express").Router();

router.post("/login", async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  MARK
  req.session.userId = user.id;
  res.end();
});
"#;

fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("it has a folder")).expect("a folder can be made");
        fs::write(path, text).expect("a file can be written");
    }
    folder
}

fn scan(folder: &Path) -> Report {
    run(&Options::new(folder)).expect("the folder is there")
}

fn open_rules(report: &Report) -> Vec<&'static str> {
    report.open().map(|f| f.rule.0).collect()
}

#[test]
fn given_a_comment_with_a_reason_when_scanned_then_that_rule_is_accepted_and_no_other() {
    let text = LOGIN.replace(
        "MARK",
        "// innkeeper-allow: CSC-LIMIT-001 kiosk accounts are shared",
    );
    let folder = tree(&[("app.js", &text)]);

    let report = scan(folder.path());

    let rules = open_rules(&report);
    assert!(!rules.contains(&"CSC-LIMIT-001"), "{rules:?}");
    assert!(rules.contains(&"CSC-FIX-001"), "{rules:?}");
    let accepted = report
        .units
        .iter()
        .flat_map(|u| &u.findings)
        .find(|f| f.suppressed.is_some());
    assert_eq!(
        accepted.and_then(|f| f.suppressed.clone()),
        Some(Suppression::Comment {
            reason: "kiosk accounts are shared".into()
        })
    );
}

#[test]
fn given_a_comment_without_a_reason_when_scanned_then_the_finding_stays_and_says_why() {
    let folder = tree(&[(
        "app.js",
        &LOGIN.replace("MARK", "// innkeeper-allow: CSC-LIMIT-001"),
    )]);

    let report = scan(folder.path());

    let finding = report
        .open()
        .find(|f| f.rule.0 == "CSC-LIMIT-001")
        .expect("it stays");
    assert!(
        finding.message.contains("gives no reason"),
        "{}",
        finding.message
    );
}

#[test]
fn given_a_baseline_when_code_moves_down_then_what_was_known_stays_known() {
    let before = tree(&[("app.js", &LOGIN.replace("MARK", ""))]);
    let known = scan(before.path())
        .open()
        .map(|f| f.fingerprint.clone())
        .collect();
    let after = tree(&[(
        "app.js",
        &format!("\n\n// moved\n\n{}", LOGIN.replace("MARK", "")),
    )]);

    let report = run(&Options {
        baseline: known,
        ..Options::new(after.path())
    })
    .expect("the folder is there");

    assert_eq!(open_rules(&report), Vec::<&str>::new());
    assert_eq!(report.exit_code(Severity::Info), 0);
    assert_eq!(scan(after.path()).exit_code(Severity::Info), 1);
}

#[test]
fn given_a_policy_without_a_limit_when_scanned_then_a_missing_limit_is_not_held_against_it() {
    let folder = tree(&[("app.js", &LOGIN.replace("MARK", ""))]);
    let policy = Policy::parse("max = 0").expect("it is valid");

    let report = run(&Options {
        policy: Some(policy),
        ..Options::new(folder.path())
    })
    .expect("the folder is there");

    let rules = open_rules(&report);
    assert!(!rules.contains(&"CSC-LIMIT-001"), "{rules:?}");
    assert!(rules.contains(&"CSC-LIST-001"), "{rules:?}");
}

#[test]
fn given_hostile_source_when_scanned_then_it_ends_soon_and_says_what_it_left_out() {
    let deep = format!(
        "const session = {}1{};",
        "(\n".repeat(100_000),
        ")\n".repeat(100_000)
    );
    let calls = format!("session{};", ".a()\n".repeat(100_000));
    let long = format!("const session = \"{}\";", "x".repeat(10 << 20));
    // Parsers in C that let go of what they were undecided about go one call deeper for each line.
    let undecided = format!(
        "session x=(\n{}1{})",
        format!("{}\n", "/*".repeat(20)).repeat(1500),
        format!("{}\n", "*/".repeat(20)).repeat(1500)
    );
    let folder = tree(&[
        ("deep.js", &deep),
        ("calls.ts", &calls),
        ("long.js", &long),
        ("undecided.py", &undecided),
        ("app.js", &LOGIN.replace("MARK", "")),
    ]);
    fs::write(
        folder.path().join("latin.py"),
        b"session = '\xff\xfe\xe9'\n",
    )
    .expect("a file can be written");
    fs::write(folder.path().join("zip.js"), b"PK\x03\x04\0\0session")
        .expect("a file can be written");

    let start = Instant::now();
    let report = scan(folder.path());

    assert!(
        start.elapsed() < Duration::from_mins(1),
        "{:?}",
        start.elapsed()
    );
    assert!(open_rules(&report).contains(&"CSC-LIMIT-001"));
    let skipped: Vec<_> = report
        .skipped
        .iter()
        .map(|s| (s.file.as_str(), s.reason))
        .collect();
    assert!(
        skipped.contains(&("long.js", SkipReason::TooLarge)),
        "{skipped:?}"
    );
    assert!(
        skipped.contains(&("zip.js", SkipReason::Binary)),
        "{skipped:?}"
    );
}

#[test]
fn given_a_scan_when_written_as_json_then_it_has_the_members_that_programs_read() {
    let folder = tree(&[("app.js", &LOGIN.replace("MARK", ""))]);

    let json = scan(folder.path()).to_json();

    assert_eq!(json["schema"], "innkeeper.scan/1");
    let unit = &json["units"][0];
    assert_eq!(unit["root"], ".");
    assert_eq!(unit["controls"]["limit"], "none");
    assert_eq!(unit["controls"]["regenerate_on_login"], "no");
    let finding = &unit["findings"][0];
    for member in [
        "rule",
        "severity",
        "cwe",
        "file",
        "line",
        "message",
        "related",
        "fingerprint",
    ] {
        assert!(!finding[member].is_null(), "{member} is missing: {finding}");
    }
    assert!(json["stats"]["files"].as_u64() > Some(0), "{json}");
}

#[test]
fn given_a_rule_when_explained_then_its_remedy_is_told_and_an_unknown_one_is_not_made_up() {
    let text = explain("csc-limit-001").expect("the rule is known");
    assert!(
        text.contains("CWE-613") && text.contains("What to do"),
        "{text}"
    );
    // Not every language has `//` for its comments.
    assert!(!text.contains("//"), "{text}");
    assert!(explain("CSC-NOPE-001").is_none());
}

#[test]
fn given_a_cache_when_scanned_again_then_the_report_is_the_same_and_a_changed_file_is_read_anew() {
    let folder = tree(&[("app.js", &LOGIN.replace("MARK", ""))]);
    let cache = tempfile::tempdir().expect("a folder can be made");
    let cached = || {
        run(&Options {
            cache: Some(cache.path().join("scans")),
            ..Options::new(folder.path())
        })
        .expect("the folder is there")
    };

    let (first, second) = (cached(), cached());
    assert_eq!((first.cached, second.cached), (0, 1));
    let said = |report: &Report| report.to_json()["units"].clone();
    assert_eq!(said(&first), said(&second));
    assert_eq!(said(&first), said(&scan(folder.path())));

    let renewed = LOGIN.replace("MARK", "req.session.regenerate(() => {});");
    fs::write(folder.path().join("app.js"), renewed).expect("a file can be written");
    let third = cached();
    assert_eq!(third.cached, 0);
    assert!(!open_rules(&third).contains(&"CSC-FIX-001"));
}

/// What a policy says of time and of the limit is told where either is missing.
#[test]
fn given_a_policy_with_spans_when_nothing_bounds_a_session_then_the_finding_says_what_is_asked() {
    let login = LOGIN.replace(
        "MARK",
        "await db.userSessions.create({ data: { userId: user.id } });",
    );
    let folder = tree(&[("app.js", &login)]);
    let under = |policy: &str| {
        run(&Options {
            policy: Some(Policy::parse(policy).expect("it is valid")),
            ..Options::new(folder.path())
        })
        .expect("the folder is there")
    };

    let asked = under("max = 3\non-exceed = \"evict-oldest\"\nidle = \"30m\"\nabsolute = \"12h\"");
    let waived = under("idle = \"0\"\nabsolute = \"0\"");

    let message = |rule: &str| {
        let found = asked.open().find(|f| f.rule.0 == rule);
        found.map(|f| f.message.clone()).unwrap_or_default()
    };
    assert!(message("CSC-LIMIT-001").ends_with("at most 3 a user, at which the oldest goes."));
    let time = message("CSC-EXPIRE-002");
    assert!(
        time.ends_with("an end after 30m of silence and after 12h in all."),
        "{time}"
    );
    assert!(!open_rules(&waived).contains(&"CSC-EXPIRE-002"));
}

#[test]
fn given_a_file_that_takes_too_long_when_scanned_then_it_is_named_and_the_rest_is_judged() {
    let slow = format!("const session = [{}];", "[session(),\n".repeat(50_000));
    let folder = tree(&[("slow.js", &slow), ("app.js", &LOGIN.replace("MARK", ""))]);

    let report = run(&Options {
        file_time: Duration::from_nanos(1),
        ..Options::new(folder.path())
    })
    .expect("the folder is there");

    let skipped = &report.to_json()["stats"]["skipped"];
    let slow = skipped
        .as_array()
        .and_then(|all| all.iter().find(|one| one["file"] == "slow.js"));
    assert_eq!(
        slow.map(|one| &one["reason"]),
        Some(&"time".into()),
        "{skipped}"
    );
    assert!(report.to_text().contains("skipped slow.js: time"));
}

/// An archive, a picture, a socket: what is no source is passed over, and what only has the name
/// of one is named.
#[cfg(unix)]
#[test]
fn given_things_that_are_no_source_when_scanned_then_none_is_opened_and_the_scan_ends() {
    let outside = tree(&[("secret.js", &LOGIN.replace("MARK", ""))]);
    let folder = tree(&[("app.py", "x = 1\n")]);
    let at = |name: &str| folder.path().join(name);
    fs::write(at("all.zip"), b"PK\x03\x04login session").expect("a file can be written");
    fs::write(at("all.tar.gz"), b"\x1f\x8blogin session").expect("a file can be written");
    std::os::unix::fs::symlink(outside.path(), at("linked")).expect("a link can be made");
    std::os::unix::fs::symlink(outside.path().join("secret.js"), at("out.js"))
        .expect("a link can be made");
    std::os::unix::fs::symlink(at("round"), at("round")).expect("a link can be made");
    let _socket = std::os::unix::net::UnixListener::bind(at("socket.js")).expect("a socket");

    let report = scan(folder.path());

    assert!(open_rules(&report).is_empty(), "a file outside was read");
    let skipped: Vec<_> = report
        .skipped
        .iter()
        .map(|s| (s.file.as_str(), s.reason))
        .collect();
    assert_eq!(
        skipped,
        [
            ("out.js", SkipReason::NotRegular),
            ("socket.js", SkipReason::NotRegular)
        ]
    );
}

/// Two megabytes of brackets took half a gigabyte, and long names in calls in calls as much again.
#[test]
fn given_a_file_denser_than_anybody_writes_when_scanned_then_it_is_skipped_as_too_large() {
    let dense = format!(
        "session\n{}",
        format!("{}\n", "(".repeat(100)).repeat(6_500)
    );
    let (name, deep) = ("a".repeat(900), 1_900);
    let gathered = format!(
        "session(\n{}{})",
        format!("{name}(\n").repeat(deep),
        ")".repeat(deep)
    );
    let plain = format!(
        "session(\n{})",
        "\"a value of some length\",\n".repeat(60_000)
    );
    let many = "def session\nend\n".repeat(10_001);
    let folder = tree(&[
        ("dense.js", &dense),
        ("gathered.js", &gathered),
        ("many.rb", &many),
        ("plain.py", &plain),
    ]);

    let report = run(&Options {
        file_time: Duration::from_mins(5),
        ..Options::new(folder.path())
    })
    .expect("the folder is there");

    let skipped: Vec<_> = report
        .skipped
        .iter()
        .map(|s| (s.file.as_str(), s.reason))
        .collect();
    assert_eq!(
        skipped,
        [
            ("dense.js", SkipReason::TooLarge),
            ("gathered.js", SkipReason::TooLarge),
            ("many.rb", SkipReason::TooLarge)
        ]
    );
    assert_eq!(report.parsed, 1);
}

/// Rails' own generator writes signing out as `SessionsController#destroy`, a name that says it of
/// a resource and of nothing else.
#[test]
fn given_rails_when_its_sessions_controller_destroys_the_session_then_that_is_signing_out() {
    let action = |body: &str| {
        format!(
            "class SessionsController < ApplicationController
  before_action :set_session, only: %i[destroy]

  def create
    user = User.authenticate_by(email: params[:email], password: params[:password])
    @session = user.sessions.create!(user_agent: request.user_agent)
  end

  def destroy
    {body}
  end

  private
    def set_session
      @session = Current.user.sessions.find(params[:id])
    end

    def terminate_session
      Current.session.destroy
      cookies.delete(:session_id)
    end
end
"
        )
    };
    let signs_out = |body: &str| {
        let folder = tree(&[
            ("Gemfile", "gem \"rails\", \"~> 8.0\"\n"),
            ("app/controllers/sessions_controller.rb", &action(body)),
        ]);
        let report = run(&Options::new(folder.path())).expect("the folder is there");
        assert!(report.units[0].creates_sessions);
        report.units[0].facts.iter().any(|f| f.kind == Kind::Logout)
    };

    assert!(signs_out("terminate_session"));
    assert!(signs_out("@session.destroy"));
    assert!(!signs_out("redirect_to new_session_path"));
    assert!(!signs_out("game.destroy"));
}

/// In a tree of several deployables only the policy at its root was read, and one beside the code
/// of a deployable was ignored without a word.
#[test]
fn given_policies_in_a_tree_when_scanned_then_each_holds_for_the_deployables_below_it() {
    let login = LOGIN.replace("MARK", "");
    let folder = tree(&[
        ("api/package.json", r#"{"name": "api"}"#),
        ("api/src/app.js", &login),
        ("api/session-policy.toml", "max = 0"),
        ("web/package.json", r#"{"name": "web"}"#),
        ("web/src/app.js", &login),
        ("session-policy.toml", "notify = false"),
        ("pages/session-policy.toml", "max = 0"),
    ]);

    let report = scan(folder.path());

    let open = |root: &str| -> Vec<&str> {
        let unit = report.units.iter().find(|u| u.root == root);
        let findings = unit.expect("it was judged").findings.iter();
        let open = findings.filter(|f| f.suppressed.is_none());
        open.map(|f| f.rule.0).collect()
    };
    let (api, web) = (open("api"), open("web"));
    assert!(!api.contains(&"CSC-LIMIT-001"), "{api:?}");
    assert!(api.contains(&"CSC-NOTIFY-001"), "{api:?}");
    assert!(web.contains(&"CSC-LIMIT-001"), "{web:?}");
    assert!(!web.contains(&"CSC-NOTIFY-001"), "{web:?}");
    assert_eq!(report.unused_policies, ["pages/session-policy.toml"]);
    let text = report.to_text();
    assert!(
        text.contains("pages/session-policy.toml holds for nothing"),
        "{text}"
    );
}

#[test]
fn given_a_wrong_policy_below_the_root_when_scanned_then_it_is_named() {
    let folder = tree(&[
        ("api/package.json", r#"{"name": "api"}"#),
        ("api/src/app.js", &LOGIN.replace("MARK", "")),
        ("api/session-policy.toml", "maximum = 0"),
    ]);

    let error = run(&Options::new(folder.path())).expect_err("it is refused");

    let error = error.to_string();
    assert!(error.contains("api/session-policy.toml"), "{error}");
    assert!(error.contains("maximum"), "{error}");
}

#[test]
fn given_one_file_when_scanned_then_the_report_says_that_it_is_no_application() {
    let folder = tree(&[("app.js", &LOGIN.replace("MARK", ""))]);

    let one = scan(&folder.path().join("app.js")).to_text();
    let whole = scan(folder.path()).to_text();

    assert!(one.contains("One file is no application"), "{one}");
    assert!(!whole.contains("One file is no application"), "{whole}");
}

/// What a framework leaves to applications was held against the framework.
#[test]
fn given_the_source_of_a_framework_when_scanned_then_what_it_leaves_to_applications_is_a_note() {
    let login = LOGIN.replace("MARK", "");
    let named = |name: &str| {
        let manifest =
            format!(r#"{{"name": "{name}", "dependencies": {{"express-session": "1.18.0"}}}}"#);
        scan(tree(&[("package.json", &manifest), ("app.js", &login)]).path())
    };

    let (library, shop) = (named("express-session"), named("shop"));

    let of = |report: &Report, rule: &str| {
        let found = report.open().find(|f| f.rule.0 == rule);
        found.map(|f| (f.severity, f.message.contains("express-session itself")))
    };
    assert_eq!(of(&library, "CSC-LIMIT-001"), Some((Severity::Info, true)));
    assert_eq!(of(&shop, "CSC-LIMIT-001"), Some((Severity::Medium, false)));
    assert_eq!(of(&library, "CSC-FIX-001"), Some((Severity::High, false)));
}

/// Half of the facts are no ground to say that something is missing.
#[test]
fn given_no_time_to_judge_when_scanned_then_nothing_is_said_of_the_deployable_but_that() {
    let folder = tree(&[
        ("apps/api/package.json", "{\"name\": \"api\"}"),
        ("apps/api/login.js", LOGIN),
    ]);
    let options = Options {
        unit_time: Duration::ZERO,
        ..Options::new(folder.path())
    };

    let report = run(&options).expect("the folder can be read");

    assert!(report.units.is_empty());
    let late: Vec<&str> = report.unjudged().map(|one| one.file.as_str()).collect();
    assert_eq!(late, ["apps/api"]);
    assert!(report.to_text().contains("skipped apps/api: judging"));
    assert_eq!(report.to_json()["stats"]["skipped"][0]["reason"], "judging");
    let sarif = report.to_sarif();
    let invocation = &sarif["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false, "{invocation}");
    let markdown = report.to_markdown();
    assert!(
        markdown.contains("- `apps/api`: judging it took longer"),
        "{markdown}"
    );
    assert!(!markdown.contains("Nothing found"), "{markdown}");
    assert!(!markdown.contains("No sign-in was found"), "{markdown}");
}
