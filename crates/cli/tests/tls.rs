//! The real binary behind TLS, and on a socket that it is handed.

mod support;

use std::fs;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};

use rcgen::generate_simple_self_signed;
use support::{Server, innkeeper};
use tokio::net::TcpSocket;

fn certificate(folder: &Path) {
    let made = generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]);
    let made = made.expect("there is entropy");
    fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
}

fn behind_tls(folder: &Path) -> Command {
    let mut command = innkeeper(&folder.join("data"));
    command
        .env("INNKEEPER_SERVER__TLS__CERT_FILE", folder.join("cert.pem"))
        .env("INNKEEPER_SERVER__TLS__KEY_FILE", folder.join("key.pem"));
    command
}

fn list_keys(server: &Server, folder: &Path, trusted: Option<&Path>) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_innkeeper"));
    command
        .env_clear()
        .args(["keys", "list", "--server", &server.base]);
    command.arg("--data").arg(folder.join("data"));
    if let Some(trusted) = trusted {
        command.arg("--ca-file").arg(trusted);
    }
    let ran = command
        .output()
        .expect("the binary was built for this test");
    let err = String::from_utf8(ran.stderr).expect("it prints text");
    (ran.status.code().expect("it exits by itself"), err)
}

#[test]
fn given_a_certificate_that_is_renewed_when_signalled_then_commands_that_trust_it_get_in() {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path());
    let server = Server::start_with(behind_tls(folder.path()));
    let trusted = folder.path().join("trusted.pem");
    fs::copy(folder.path().join("cert.pem"), &trusted).unwrap();
    assert!(server.base.starts_with("https://"), "{}", server.base);

    assert_eq!(list_keys(&server, folder.path(), Some(&trusted)).0, 0);
    let (code, said) = list_keys(&server, folder.path(), None);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("--ca-file"), "{said}");
    certificate(folder.path());
    // A storm of signals, and a broken file in between.
    let renewed = fs::read(folder.path().join("cert.pem")).unwrap();
    fs::write(folder.path().join("cert.pem"), "broken").unwrap();
    for _ in 0..50 {
        server.signal("HUP");
    }
    assert_eq!(
        list_keys(&server, folder.path(), Some(&trusted)).0,
        0,
        "the old one stays"
    );
    let fresh = folder.path().join("fresh.pem");
    fs::write(&fresh, &renewed).unwrap();
    fs::write(folder.path().join("cert.pem"), &renewed).unwrap();
    let mut tries = 0;
    while list_keys(&server, folder.path(), Some(&fresh)).0 != 0 {
        server.signal("HUP");
        tries += 1;
        assert!(tries < 200, "the new one is never shown");
    }
    assert_eq!(
        list_keys(&server, folder.path(), Some(&trusted)).0,
        3,
        "the old one is gone"
    );
    let (status, log) = server.stop();
    assert!(status.success(), "{log}");
    assert!(log.contains("the old one stays"), "{log}");
    assert!(!log.contains("PRIVATE KEY"));
}

#[test]
fn given_a_key_that_is_not_the_certificates_when_started_then_it_is_a_wrong_configuration() {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path());
    let cert = fs::read(folder.path().join("cert.pem")).unwrap();
    certificate(folder.path());
    fs::write(folder.path().join("cert.pem"), cert).unwrap();

    let ran = behind_tls(folder.path()).output().unwrap();

    let said = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(2), "{said}");
    assert!(
        said.contains("does not belong to the certificate"),
        "{said}"
    );
    let mut half = innkeeper(&folder.path().join("data"));
    half.env(
        "INNKEEPER_SERVER__TLS__CERT_FILE",
        folder.path().join("cert.pem"),
    );
    assert_eq!(half.output().unwrap().status.code(), Some(2));
    assert!(!folder.path().join("data").exists(), "nothing was made");
}

/// A service with a socket as file descriptor 3.
fn handed_down(folder: &Path, socket: OwnedFd) -> Command {
    // The shell moves the socket to 3, and becomes the service, so that the number of its process
    // is the one in LISTEN_PID.
    let mut command = Command::new("sh");
    let script = r#"exec 3<&0 0</dev/null; LISTEN_PID=$$ exec "$@""#;
    command
        .env_clear()
        .args(["-c", script, "sh", env!("CARGO_BIN_EXE_innkeeper")]);
    command.arg("serve").arg("--data").arg(folder.join("data"));
    command.args(["--listen", "127.0.0.1:1"]);
    command.env("LISTEN_FDS", "1");
    command.stdin(Stdio::from(socket));
    command
}

/// Nobody would ever be let in by it, and it says so without end.
#[test]
fn given_a_socket_that_does_not_listen_when_started_then_it_says_so_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let socket = socket.as_fd().try_clone_to_owned().unwrap();

    let ran = handed_down(folder.path(), socket).output().unwrap();

    let said = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(2), "{said}");
    assert!(said.contains("does not listen"), "{said}");
}

/// As a service manager does it: the socket is there first, as file descriptor 3, and somebody
/// waits to hear that the service is ready.
#[test]
fn given_a_socket_that_is_handed_down_when_started_then_it_is_served_and_readiness_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let manager = UnixDatagram::bind(folder.path().join("notify")).unwrap();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let mut command = handed_down(folder.path(), socket.into());
    command.env("NOTIFY_SOCKET", folder.path().join("notify"));

    let server = Server::start_with_stdin(command);

    assert_eq!(server.base, format!("http://{address}"));
    let mut told = [0; 64];
    let len = manager.recv(&mut told).unwrap();
    assert_eq!(&told[..len], b"READY=1");
    let (status, log) = server.stop();
    assert!(status.success(), "{log}");
    let len = manager.recv(&mut told).unwrap();
    assert_eq!(&told[..len], b"STOPPING=1");
}

/// Reading a pipe that nobody writes to would wait for ever, and the stop behind it.
#[test]
fn given_a_pipe_in_the_place_of_a_certificate_when_read_then_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path());
    let server = Server::start_with(behind_tls(folder.path()));
    let cert = folder.path().join("cert.pem");
    fs::remove_file(&cert).unwrap();
    let made = Command::new("mkfifo").arg(&cert).status();
    assert!(made.expect("mkfifo is there").success());

    let refused = behind_tls(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("no regular file"), "{said}");

    for _ in 0..20 {
        server.signal("HUP");
    }
    fs::remove_file(&cert).unwrap();
    certificate(folder.path());
    let mut tries = 0;
    while list_keys(&server, folder.path(), Some(&cert)).0 != 0 {
        server.signal("HUP");
        tries += 1;
        assert!(tries < 200, "the new one is never shown");
    }
    let (status, log) = server.stop();
    assert!(status.success(), "{log}");
}
