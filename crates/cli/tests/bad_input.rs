//! Settings and folders that cannot be used: a clear error, the right exit code, nothing changed.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use support::{Server, files_below, innkeeper};

fn refused(mut command: std::process::Command) -> (i32, String) {
    let Output { status, stderr, .. } = command.output().expect("the binary is there");
    let code = status.code().expect("it exits by itself");
    (code, String::from_utf8(stderr).expect("it writes text"))
}

#[test]
fn given_an_unknown_key_when_it_starts_then_line_key_and_nearest_key_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("innkeeper.toml");
    fs::write(&file, "[policy]\nmax_session = 3\n").unwrap();
    let data = folder.path().join("data");
    let mut command = innkeeper(&data);
    command.arg("--config").arg(&file);

    let (code, said) = refused(command);

    assert_eq!(code, 2, "{said}");
    for part in ["innkeeper.toml:2", "policy.max_session", "max_sessions"] {
        assert!(said.contains(part), "{part} is missing in: {said}");
    }
    assert!(!data.exists(), "nothing was made");
}

#[test]
fn given_a_limit_out_of_range_when_it_starts_then_it_says_which_are_accepted() {
    for limit in ["0", "1001", "-1", "many"] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = innkeeper(&folder.path().join("data"));
        command.env("INNKEEPER_POLICY__MAX_SESSIONS", limit);

        let (code, said) = refused(command);

        assert_eq!(code, 2, "{said}");
        assert!(said.contains("1000") || said.contains("1,000"), "{said}");
    }
}

#[test]
fn given_a_folder_in_use_when_a_second_process_starts_then_it_names_the_folder_and_exits_3() {
    let data = tempfile::tempdir().unwrap();
    let first = Server::start(data.path());

    let (code, said) = refused(innkeeper(data.path()));

    assert_eq!(code, 3, "{said}");
    assert!(said.contains(&data.path().display().to_string()), "{said}");
    assert!(said.contains("in use by another process"), "{said}");
    assert!(first.stop().0.success(), "the first one is not disturbed");
}

/// The store was moved away, or a disk was not mounted: an empty one began in silence, in which
/// nobody was signed in, nobody disabled and no key revoked.
#[test]
fn given_a_key_whose_store_is_gone_when_it_starts_then_it_says_what_to_do_and_begins_none() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    Server::start(&data).stop();
    fs::rename(data.join("store"), root.path().join("elsewhere")).unwrap();

    let (code, said) = refused(innkeeper(&data));

    assert_eq!(code, 4, "{said}");
    for part in ["innkeeper restore", "admin.key", "begin anew"] {
        assert!(said.contains(part), "{part} is missing in: {said}");
    }
    assert!(!data.join("store").exists(), "none was begun");
    let mut doctor = std::process::Command::new(env!("CARGO_BIN_EXE_innkeeper"));
    doctor
        .env_clear()
        .args(["doctor", "--json", "--data"])
        .arg(&data);
    let told = doctor.output().expect("the binary is there").stdout;
    let told = String::from_utf8(told).expect("it prints text");
    assert!(told.contains("begin anew"), "{told}");

    fs::remove_file(data.join("admin.key")).unwrap();
    let begun = Server::start(&data);
    assert!(
        data.join("admin.key").exists(),
        "a first start as any other"
    );
    assert!(begun.stop().0.success());
}

#[test]
fn given_a_file_in_place_of_the_folder_when_it_starts_then_it_exits_3() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("data");
    fs::write(&file, "mine").unwrap();

    let (code, said) = refused(innkeeper(&file));

    assert_eq!(code, 3, "{said}");
    assert!(said.contains("not a folder"), "{said}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn given_a_port_in_use_when_it_starts_then_it_names_the_address_and_exits_3() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_innkeeper"));
    command.env_clear().args(["serve", "--listen", &address]);
    command.arg("--data").arg(data.path());

    let (code, said) = refused(command);

    assert_eq!(code, 3, "{said}");
    assert!(said.contains(&address), "{said}");
}

/// Each file of the store in turn is cut short or has bytes flipped. It may open with the same
/// content or be refused by name; it must not open with an end undone.
#[test]
fn given_a_damaged_file_when_it_starts_then_it_is_named_or_nothing_is_lost() {
    let origin = tempfile::tempdir().unwrap();
    let ended = populate(origin.path());
    let mut refusals = 0;
    let whole = files_below(origin.path());
    for file in whole.keys().filter(|file| !file.ends_with("admin.key")) {
        for damage in [cut as fn(&[u8]) -> Vec<u8>, flip] {
            // In place: of a copy nothing is valid anyhow.
            let bytes = fs::read(file).unwrap();
            fs::write(file, damage(&bytes)).unwrap();

            refusals += usize::from(!opens_whole(origin.path(), &ended));

            if file.ends_with("place") {
                fs::write(file, &bytes).unwrap();
            }
            put_back(origin.path(), &whole);
        }
    }
    println!("{refusals} damaged folders were refused");
    assert!(refusals > 0, "some damage was found");
}

fn cut(bytes: &[u8]) -> Vec<u8> {
    bytes[..bytes.len() / 2].to_vec()
}

fn flip(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    bytes
}

fn populate(data: &Path) -> Vec<String> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = Server::start(data);
    let api = server.admin(data);
    let mut ended = Vec::new();
    runtime.block_on(async {
        for subject in 0..20 {
            let (token, id) = api.signed_in(&format!("subject-{subject}")).await;
            let path = format!("/v1/sessions/{id}");
            api.send(reqwest::Method::DELETE, &path, None).await;
            ended.push(token);
        }
    });
    assert!(server.stop().0.success());
    ended
}

/// Whether it opens; if it does, no end may have been undone.
fn opens_whole(data: &Path, ended: &[String]) -> bool {
    let mut probe = innkeeper(data);
    probe
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let mut child = probe.spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let listens = lines.any(|line| line.is_ok_and(|l| l.starts_with("innkeeper listens on ")));
    let _ = child.kill();
    let Output { status, stderr, .. } = child.wait_with_output().unwrap();
    if !listens {
        let said = String::from_utf8_lossy(&stderr);
        assert_eq!(status.code(), Some(3), "{said}");
        assert!(
            said.contains(&data.display().to_string()),
            "it names the folder: {said}"
        );
        assert!(!said.contains("panicked"), "{said}");
        return false;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = Server::start(data);
    let api = server.admin(data);
    runtime.block_on(async {
        for token in ended {
            let (status, body) = api.check(token).await;
            assert_eq!(status, 401, "an end was undone: {body}");
        }
    });
    true
}

/// Leaves the files as they were, but for the one that each opening replaces.
fn put_back(folder: &Path, whole: &BTreeMap<PathBuf, Vec<u8>>) {
    for file in files_below(folder).keys() {
        if !whole.contains_key(file) {
            fs::remove_file(file).unwrap();
        }
    }
    for (file, bytes) in whole {
        if !file.ends_with("place") {
            fs::write(file, bytes).unwrap();
        }
    }
}

#[test]
fn given_a_first_start_when_it_is_over_then_folder_and_key_are_for_this_user_only() {
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("data");
    let server = Server::start(&data);

    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;

    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("admin.key")), 0o600);
    drop(server);
}

#[test]
fn given_a_running_server_when_told_to_stop_then_it_exits_0_and_all_is_there_at_the_next_start() {
    let data = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = Server::start(data.path());
    let api = server.admin(data.path());
    let (token, _) = runtime.block_on(api.signed_in("alice"));
    drop(api);

    let (status, log) = server.stop();
    assert!(status.success(), "{log}");

    let server = Server::start(data.path());
    let api = server.admin(data.path());
    assert_eq!(runtime.block_on(api.check(&token)).0, 200);
}

/// A peer without credentials opened a thousand connections, no file descriptor was left for the
/// store's next file, and a store that fails to write stops until it is started again.
#[test]
fn given_few_file_descriptors_when_a_peer_takes_all_connections_then_the_store_still_has_its_own() {
    let data = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new("sh");
    command
        .env_clear()
        .arg("-c")
        .arg(r#"ulimit -n 400; exec "$0" "$@""#);
    command.arg(env!("CARGO_BIN_EXE_innkeeper"));
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(data.path());
    let server = Server::start_with(command);
    let key = fs::read_to_string(data.path().join("admin.key")).unwrap();
    let address = server.base.trim_start_matches("http://").to_owned();
    let held: Vec<_> = (0..500)
        .map_while(|_| TcpStream::connect(&address).ok())
        .collect();
    assert!(held.len() > 200, "the peer has its connections");
    for subject in 0..50 {
        let subject = format!("subject-{subject}");
        // While the peer's connections are still being taken in, all places may be held for a
        // moment, and then it is 503 or closed. A store that stopped would answer 503 for good.
        let answered = (0..100).find(|_| {
            let mut seat = BufReader::new(TcpStream::connect(&address).unwrap());
            sign_in_on(&mut seat, key.trim(), &subject).is_ok_and(|status| status == 201)
        });
        assert!(answered.is_some(), "{subject} is let in in the end");
    }
    drop(held);

    let (status, log) = server.stop();
    assert!(status.success(), "{log}");
    assert!(log.contains("raise the limit of open files"), "{log}");
}

/// Signs in on a connection, and returns the status, unless it was closed.
fn sign_in_on(connection: &mut BufReader<TcpStream>, key: &str, subject: &str) -> io::Result<u16> {
    let body = format!(r#"{{"subject": "{subject}"}}"#);
    let request = format!(
        "POST /v1/sessions HTTP/1.1\r\nHost: innkeeper\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len(),
    );
    connection.get_mut().write_all(request.as_bytes())?;
    let (mut status, mut len) = (0, 0);
    loop {
        let mut line = String::new();
        if connection.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(rest) = line.strip_prefix("http/1.1 ") {
            status = rest[..3].parse().unwrap();
        } else if let Some(rest) = line.strip_prefix("content-length: ") {
            len = rest.parse().unwrap();
        } else if line.is_empty() {
            break;
        }
    }
    connection.read_exact(&mut vec![0; len])?;
    Ok(status)
}
