//! `bench`: what programs read of it, and what it leaves behind, which is nothing.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// The rows that programs rely on, as they were promised.
const PROMISED: [&str; 18] = [
    "check_1m",
    "check_10m",
    "check_10m_to_1m",
    "http_check",
    "http_check_p99",
    "http_forward_auth",
    "http_forward_auth_p99",
    "admit_1",
    "admit_16",
    "admit_64",
    "admit_256",
    "bytes_1m",
    "bytes_10m",
    "open_1m",
    "open_10m",
    "start_to_ready",
    "resident_empty",
    "revoke_to_effect_p99",
];

fn bench(folder: &Path, arguments: &[&str]) -> Command {
    // Whoever runs the tests may have been told not to listen to INT, as in the background.
    let mut command = Command::new("env");
    command.args([
        "-i",
        "--default-signal=INT",
        env!("CARGO_BIN_EXE_innkeeper"),
    ]);
    command.arg("bench").args(arguments);
    command.arg("--folder").arg(folder).stdin(Stdio::null());
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

#[test]
fn given_rows_by_name_when_measured_for_programs_then_they_have_the_names_and_members_promised() {
    let folder = tempfile::tempdir().unwrap();
    let rows = "start_to_ready,resident_empty,revoke_to_effect_p99";

    let output = bench(folder.path(), &["--quick", "--json", "--only", rows]).output();

    let output = output.unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["schema"], "innkeeper.bench/1");
    assert!(report["left_out"].as_array().unwrap().is_empty());
    let rows = report["rows"].as_array().unwrap();
    let names: Vec<&str> = rows.iter().filter_map(|row| row["name"].as_str()).collect();
    assert_eq!(
        names,
        ["start_to_ready", "resident_empty", "revoke_to_effect_p99"]
    );
    for row in rows {
        assert!(row["value"].as_f64().unwrap() > 0.0, "{row}");
        assert!(row["unit"].is_string(), "{row}");
        for member in ["floor", "floor_name", "ratio"] {
            assert!(row.get(member).is_some(), "{member} of {row}");
        }
    }
    let [.., revoked] = &rows[..] else {
        unreachable!("there are three")
    };
    let figure = |name: &str| revoked[name].as_f64().unwrap();
    let ratio = figure("value") / figure("floor");
    assert!((figure("ratio") - ratio).abs() < ratio * 1e-9, "{revoked}");
    assert!(is_empty(folder.path()));
}

#[test]
fn given_the_list_of_rows_when_held_against_the_promise_then_none_is_missing_or_renamed() {
    assert_eq!(innkeeper_bench::ROWS, PROMISED);
}

/// Measures all rows of a store that nodes share, shortly, and holds them against what they are.
fn measure_all_of(store: innkeeper_bench::Store, name: &str) {
    let folder = tempfile::tempdir().unwrap();

    let output = bench(folder.path(), &["--store", name, "--quick", "--json"]).output();

    let output = output.unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["left_out"].as_array().map(Vec::len), Some(0));
    let rows = report["rows"].as_array().unwrap();
    let names: Vec<&str> = rows.iter().filter_map(|row| row["name"].as_str()).collect();
    assert_eq!(names, store.rows());
    for row in rows {
        for member in ["value", "floor", "ratio"] {
            assert!(row[member].as_f64().unwrap() > 0.0, "{member} of {row}");
        }
    }
    let [_, commands, _, p50, p99, greatest] = &rows[..] else {
        panic!("there are six: {report}")
    };
    // One for each, and what a node looks at now and then.
    let each = commands["value"].as_f64().unwrap();
    assert!((1.0..1.5).contains(&each), "{commands}");
    let value = |row: &Value| row["value"].as_f64().unwrap();
    assert!(value(p50) <= value(p99) && value(p99) <= value(greatest));
    assert!(
        [p50, p99]
            .iter()
            .all(|row| row["floor"] == greatest["floor"])
    );
    assert!(is_empty(folder.path()));
}

#[test]
fn given_the_redis_of_this_machine_when_measured_shortly_then_every_row_has_its_figure_and_floor() {
    measure_all_of(innkeeper_bench::Store::Redis, "redis");
}

#[test]
fn given_the_postgres_of_this_machine_when_measured_shortly_then_every_row_has_its_figure_and_floor()
 {
    measure_all_of(innkeeper_bench::Store::Postgres, "postgres");
}

#[test]
fn given_a_row_of_another_store_when_asked_for_then_those_of_this_one_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--store", "redis", "--only", "admit_64"];

    let output = bench(folder.path(), &arguments).output().unwrap();

    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(
        said(&output).contains("redis_admit_64"),
        "{}",
        said(&output)
    );
}

#[test]
fn given_a_row_that_quick_never_has_when_asked_for_then_that_is_said_and_nothing_is_printed() {
    let folder = tempfile::tempdir().unwrap();

    for row in ["check_10m", "check_10m_to_1m"] {
        let arguments = ["--quick", "--json", "--only", row];
        let output = bench(folder.path(), &arguments).output().unwrap();

        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains("leave --quick away"));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn given_a_folder_that_is_not_there_when_asked_to_measure_in_it_then_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");

    let output = bench(&missing, &["--only", "start_to_ready"]).output();

    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(said(&output).contains("missing"), "{}", said(&output));
    assert!(said(&output).contains("--folder"), "{}", said(&output));
}

#[test]
fn given_a_run_under_way_when_it_is_ended_then_its_servers_end_and_its_folder_goes() {
    for signal in [Signal::TERM, Signal::INT, Signal::KILL] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = bench(folder.path(), &["--quick", "--only", "http_check_p99"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut run = command.spawn().unwrap();
        // A server that has written its key is one that would stay.
        while !has_a_key(folder.path()) {
            assert!(run.try_wait().unwrap().is_none(), "it ended by itself");
            std::thread::yield_now();
        }

        kill_process(Pid::from_child(&run), signal).unwrap();

        // Open as long as one of them lives to write to it, the one that clears up included.
        let mut said = String::new();
        let mut stderr = run.stderr.take().unwrap();
        stderr.read_to_string(&mut said).unwrap();
        assert!(!run.wait().unwrap().success());
        assert!(is_empty(folder.path()), "{signal:?}: {said}");
        assert_eq!(processes_about(folder.path()), Vec::<String>::new());
    }
}

#[test]
fn given_a_child_that_ignores_everything_when_its_keeper_is_left_then_both_are_gone() {
    let folder = tempfile::tempdir().unwrap();
    let keeper = ["bench", "--part", "keeper"];
    let mut keeper = Command::new(env!("CARGO_BIN_EXE_innkeeper"))
        .args(keeper)
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut name = String::new();
    let stdout = keeper.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut name).unwrap();
    let kept = folder.path().join(name.trim_end());
    assert!(kept.is_dir());
    let deaf = "trap '' TERM INT HUP; read line";
    let mut child = Command::new("sh")
        .args(["-c", deaf])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    fs::write(kept.join("admin.key"), "key").unwrap();

    {
        use std::io::Write;
        let mut told = keeper.stdin.take().unwrap();
        writeln!(told, "{}", child.id()).unwrap();
    }

    assert!(keeper.wait().unwrap().success());
    assert!(is_empty(folder.path()));
    let ended = child.try_wait().unwrap();
    assert!(ended.is_some_and(|ended| !ended.success()), "{ended:?}");
}

fn has_a_key(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|entries| {
        entries.flatten().any(|entry| {
            let path = entry.path();
            path.join("admin.key").is_file() || has_a_key(&path)
        })
    })
}

/// The command lines of running processes that name a folder.
fn processes_about(folder: &Path) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|process| fs::read(process.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(&*folder.to_string_lossy()))
        .collect()
}
