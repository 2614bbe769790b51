//! Whom commands trust behind https: real servers on loopback, with certificates of each kind that
//! people have.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair,
    date_time_ymd,
};
use support::{Server, innkeeper};
use tempfile::TempDir;

/// A folder with a server that shows this certificate.
struct House {
    folder: TempDir,
    server: Server,
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("they are names");
    let distinguished = &mut params.distinguished_name;
    distinguished.push(DnType::CommonName, "a house of our own");
    params
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = params(&[]);
    params
        .distinguished_name
        .push(DnType::CommonName, "our authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, key()).expect("there is entropy")
}

fn key() -> KeyPair {
    KeyPair::generate().expect("there is entropy")
}

/// What `openssl req -x509` makes: a certificate that signed itself and is an authority by its own
/// account.
fn self_signed(mut params: CertificateParams) -> (Certificate, KeyPair) {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = key();
    (params.self_signed(&key).expect("it signs itself"), key)
}

fn house((certificate, key): &(Certificate, KeyPair)) -> House {
    let folder = tempfile::tempdir().expect("there is room");
    let [certificate, key] = [
        ("cert.pem", certificate.pem()),
        ("key.pem", key.serialize_pem()),
    ]
    .map(|(name, text)| put(folder.path(), name, &text));
    let mut command = innkeeper(&folder.path().join("data"));
    command
        .env("INNKEEPER_SERVER__TLS__CERT_FILE", certificate)
        .env("INNKEEPER_SERVER__TLS__KEY_FILE", key);
    let server = Server::start_with(command);
    House { folder, server }
}

fn put(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).expect("there is room");
    path
}

impl House {
    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_innkeeper"));
        command
            .env_clear()
            .args(["keys", "list"])
            .env("INNKEEPER_URL", &self.server.base);
        command.arg("--data").arg(self.folder.path().join("data"));
        command
    }

    /// Calls with `--ca-file`, which holds this.
    fn call_trusting(&self, text: &str) -> (i32, String) {
        let file = put(self.folder.path(), "trusted.pem", text);
        ran(self.command().arg("--ca-file").arg(file))
    }
}

fn ran(command: &mut Command) -> (i32, String) {
    let ran = command
        .output()
        .expect("the binary was built for this test");
    let err = String::from_utf8(ran.stderr).expect("it prints text");
    (ran.status.code().expect("it exits by itself"), err)
}

const HERE: &[&str] = &["localhost", "127.0.0.1"];

/// It was refused as an authority that poses as a server ("CaUsedAsEndEntity"): the one
/// certificate that most people make for a first try.
#[test]
fn given_a_server_that_signed_itself_when_its_certificate_is_named_then_commands_get_in() {
    let shown = self_signed(params(HERE));
    let house = house(&shown);
    let other = self_signed(params(HERE));

    assert_eq!(house.call_trusting(&shown.0.pem()), (0, String::new()));

    let (code, said) = house.call_trusting(&other.0.pem());
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("with --ca-file"), "{said}");
    let both = other.0.pem() + &shown.0.pem();
    assert_eq!(house.call_trusting(&both).0, 0, "one of several");
}

/// A certificate of a private authority was refused when it was named itself, since nobody knew
/// who had signed it.
#[test]
fn given_a_server_of_a_private_authority_when_either_is_named_then_commands_get_in() {
    let authority = authority();
    let made = |names| {
        let key = key();
        (
            params(names).signed_by(&key, &authority).expect("it signs"),
            key,
        )
    };
    let (shown, sibling) = (made(HERE), made(HERE));
    let house = house(&shown);

    for trusted in [shown.0.pem(), authority.pem()] {
        assert_eq!(house.call_trusting(&trusted), (0, String::new()));
    }
    let (code, said) = house.call_trusting(&sibling.0.pem());
    assert_eq!(code, 3, "another one of the same authority: {said}");
}

#[test]
fn given_a_certificate_that_is_named_when_it_is_for_another_name_or_time_then_it_is_refused() {
    let elsewhere = self_signed(params(&["elsewhere.example"]));
    let mut old = params(HERE);
    (old.not_before, old.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
    let old = self_signed(old);
    let mut young = params(HERE);
    (young.not_before, young.not_after) = (date_time_ymd(2098, 1, 1), date_time_ymd(2099, 1, 1));
    let young = self_signed(young);

    for (shown, why) in [
        (elsewhere, "made out to"),
        (old, "expired on 2002-01-01T00:00:00Z"),
        (
            young,
            "is not valid yet, and will be on 2098-01-01T00:00:00Z",
        ),
    ] {
        let (code, said) = house(&shown).call_trusting(&shown.0.pem());

        assert_eq!(code, 3, "{said}");
        assert!(said.contains(why), "{said}");
    }
}

/// The key of a server, also of one that is long retired, signed for whatever name it liked.
#[test]
fn given_a_certificate_that_another_has_signed_when_that_is_no_authority_then_it_is_refused() {
    let signer = |names: &[&str], is_ca, until| {
        let mut params = params(names);
        params.is_ca = is_ca;
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        params
            .distinguished_name
            .push(DnType::CommonName, "one that signs");
        CertifiedIssuer::self_signed(params, key()).expect("there is entropy")
    };
    let unconstrained = || IsCa::Ca(BasicConstraints::Unconstrained);
    for (signer, code, why) in [
        (signer(HERE, IsCa::NoCa, 2090), 3, "with --ca-file"),
        (signer(HERE, IsCa::ExplicitNoCa, 2090), 3, "with --ca-file"),
        (
            signer(&["elsewhere.example"], IsCa::NoCa, 2090),
            3,
            "with --ca-file",
        ),
        (
            signer(&[], unconstrained(), 2002),
            3,
            "expired on 2002-01-01",
        ),
        (signer(&[], unconstrained(), 2090), 0, ""),
    ] {
        let key = key();
        let child = params(HERE).signed_by(&key, &signer).expect("it signs");
        let house = house(&(child, key));

        let (found, said) = house.call_trusting(&signer.pem());

        assert_eq!(found, code, "{said}");
        assert!(said.contains(why), "{said}");
    }
}

/// Everybody was refused, and nobody who looked at the server was told why.
#[test]
fn given_a_certificate_that_has_expired_when_started_or_examined_then_it_is_said() {
    let mut old = params(HERE);
    (old.not_before, old.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
    let house = house(&self_signed(old));
    let file = |name| house.folder.path().join(name);

    let examined = Command::new(env!("CARGO_BIN_EXE_innkeeper"))
        .env_clear()
        .env("INNKEEPER_SERVER__TLS__CERT_FILE", file("cert.pem"))
        .env("INNKEEPER_SERVER__TLS__KEY_FILE", file("key.pem"))
        .args(["doctor", "--data"])
        .arg(file("other"))
        .output()
        .expect("it is built");

    let why = "expired on 2002-01-01T00:00:00Z, and clients refuse it";
    let examined = String::from_utf8_lossy(&examined.stdout).into_owned();
    // A table folds its cells.
    let examined = examined.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(examined.contains("listener failed"), "{examined}");
    let (_, log) = house.server.stop();
    assert_eq!(log.matches(why).count(), 1, "{log}");
}

#[test]
fn given_the_wrong_scheme_when_called_then_the_right_one_is_named() {
    let house = house(&self_signed(params(HERE)));
    let in_clear = house.server.base.replace("https://", "http://");
    let mut command = house.command();
    let (code, said) = ran(command.args(["--server", &in_clear]));
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("https://"), "{said}");

    let data = tempfile::tempdir().expect("there is room");
    let plain = Server::start(data.path());
    let behind_tls = plain.base.replace("http://", "https://");
    let mut command = house.command();
    let (code, said) = ran(command.args(["--server", &behind_tls]));
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("try http://"), "{said}");
}

#[test]
fn given_no_file_when_the_system_trusts_the_authority_then_commands_get_in_and_else_not() {
    let authority = authority();
    let key = key();
    let shown = params(HERE).signed_by(&key, &authority).expect("it signs");
    let house = house(&(shown, key));
    let ours = put(house.folder.path(), "system.pem", &authority.pem());
    let others = put(
        house.folder.path(),
        "others.pem",
        &self_signed(params(HERE)).0.pem(),
    );

    let trusted = ran(house.command().env("SSL_CERT_FILE", &ours));
    let (code, said) = ran(house.command().env("SSL_CERT_FILE", &others));
    let mut named = house.command();
    let (named, _) = ran(named
        .env("SSL_CERT_FILE", ours)
        .arg("--ca-file")
        .arg(others));

    assert_eq!(trusted, (0, String::new()));
    assert_eq!(named, 3, "a file is trusted alone");
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("with --ca-file"), "{said}");
}

/// An empty file was taken for one that trusts nobody, and the server was blamed.
#[test]
fn given_a_file_without_certificates_when_named_then_it_is_a_wrong_usage_that_names_the_file() {
    let shown = self_signed(params(HERE));
    let house = house(&shown);
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let cut = &shown.0.pem()[..200];
    for (text, why) in [
        ("", "holds no certificate"),
        ("certificate", "holds no certificate"),
        (&shown.1.serialize_pem(), "holds no certificate"),
        (broken, "cannot be used"),
        (cut, "cannot be used"),
        (&"#".repeat(2 << 20), "larger than"),
    ] {
        let (code, said) = house.call_trusting(text);

        assert_eq!(code, 2, "{said}");
        assert!(said.contains(why) && said.contains("trusted.pem"), "{said}");
    }
    let absent = house.folder.path().join("absent.pem");
    let (code, said) = ran(house.command().arg("--ca-file").arg(absent));
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("absent.pem cannot be read"), "{said}");
}

#[test]
fn given_a_running_server_when_doctor_does_not_trust_it_then_it_says_so() {
    let shown = self_signed(params(HERE));
    let house = house(&shown);
    let ask = |trusted: &str| {
        let file = put(house.folder.path(), "trusted.pem", trusted);
        let mut command = Command::new(env!("CARGO_BIN_EXE_innkeeper"));
        command
            .env_clear()
            .args(["doctor", "--server", &house.server.base]);
        command.arg("--data").arg(house.folder.path().join("data"));
        let ran = command
            .arg("--ca-file")
            .arg(file)
            .output()
            .expect("it is built");
        String::from_utf8(ran.stdout).expect("it prints text")
    };

    let let_in = ask(&shown.0.pem());
    let shut_out = ask(&self_signed(params(HERE)).0.pem());

    assert!(let_in.contains("is ready"), "{let_in}");
    assert!(shut_out.contains("with --ca-file"), "{shut_out}");
}
