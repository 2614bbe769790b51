//! Checks at a steady pace, whether or not the ones before are answered, and how long each took.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How many connections share the pace. Each is a thread: a timer of its own is more exact than
/// that of a runtime which is busy with sign-ins.
const CONNECTIONS: u32 = 8;

/// Checks that are under way.
#[derive(Debug)]
pub(crate) struct Paced {
    is_over: Arc<AtomicBool>,
    threads: Vec<thread::JoinHandle<io::Result<Vec<Duration>>>>,
}

/// Begins to present these tokens, in turn, so many in a second.
pub(crate) fn begin(
    address: SocketAddr,
    key: &str,
    tokens: &Arc<Vec<String>>,
    rate: u32,
) -> io::Result<Paced> {
    let is_over = Arc::new(AtomicBool::new(false));
    let step = Duration::from_secs(1) * CONNECTIONS / rate;
    let started = Instant::now();
    let mut threads = Vec::new();
    for place in 0..CONNECTIONS {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let tokens = Arc::clone(tokens);
        let is_over = Arc::clone(&is_over);
        let key = key.to_owned();
        let first = started + step * place / CONNECTIONS;
        threads.push(thread::spawn(move || {
            let (place, count) = (place as usize, CONNECTIONS as usize);
            let mine = tokens.iter().skip(place).step_by(count).cycle();
            check_in_turn(stream, &key, mine, first, step, &is_over)
        }));
    }
    Ok(Paced { is_over, threads })
}

impl Paced {
    /// Ends them, and says how long each took from the moment it was due.
    pub(crate) fn end(self) -> io::Result<Vec<Duration>> {
        self.is_over.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        for thread in self.threads {
            all.extend(thread.join().expect("a caller does not panic")?);
        }
        Ok(all)
    }
}

fn check_in_turn<'t>(
    mut stream: TcpStream,
    key: &str,
    tokens: impl Iterator<Item = &'t String>,
    first: Instant,
    step: Duration,
    is_over: &AtomicBool,
) -> io::Result<Vec<Duration>> {
    let mut took = Vec::new();
    let mut due = first;
    for token in tokens {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        #[expect(clippy::disallowed_methods, reason = "a pace is kept by the clock")]
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let body = format!(r#"{{"token":"{token}"}}"#);
        let request = format!(
            "POST /v1/check HTTP/1.1\r\nhost: innkeeper\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes())?;
        read_ok(&mut stream)?;
        took.push(due.elapsed());
        due += step;
    }
    Ok(took)
}

/// Reads one whole answer, which must be a 200.
fn read_ok(stream: &mut TcpStream) -> io::Result<()> {
    const LENGTH: &str = "\r\ncontent-length: ";
    let mut answer = Vec::new();
    let mut bytes = [0; 4096];
    loop {
        let count = stream.read(&mut bytes)?;
        if count == 0 {
            return Err(io::Error::other("a check was not answered"));
        }
        answer.extend_from_slice(&bytes[..count]);
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        if !head.starts_with("HTTP/1.1 200") {
            return Err(io::Error::other(format!("a check was answered {text}")));
        }
        let length = head.split_once(LENGTH).and_then(|(_, rest)| {
            let digits = rest.split("\r\n").next()?;
            digits.parse::<usize>().ok()
        });
        match length {
            Some(length) if body.len() >= length => return Ok(()),
            Some(_) => {}
            None => return Err(io::Error::other("an answer does not say how long it is")),
        }
    }
}

/// What one of a hundred exceeds.
pub(crate) fn p99(mut spans: Vec<Duration>) -> Duration {
    spans.sort_unstable();
    let place = (spans.len() * 99).div_ceil(100).saturating_sub(1);
    spans.get(place).copied().unwrap_or_default()
}
