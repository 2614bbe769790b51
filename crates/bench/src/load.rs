//! Requests over many connections, from one thread that costs little.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::event::{Timespec, epoll};

use crate::BenchError;

/// Connections that send one request each, again and again.
pub(crate) struct Load {
    epoll: std::os::fd::OwnedFd,
    connections: Vec<Connection>,
}

struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
    /// When the request under way was due.
    due: Option<Instant>,
}

/// What became of a load.
#[derive(Debug)]
pub(crate) struct Carried {
    /// How many requests were answered.
    pub(crate) answered: u64,
    /// Over how long.
    pub(crate) span: Duration,
    /// Seconds from the moment each was due to its answer.
    pub(crate) latencies: Vec<f64>,
}

impl Load {
    /// Connects, one connection for each request.
    pub(crate) fn connect(address: SocketAddr, requests: Vec<Vec<u8>>) -> Result<Self, BenchError> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(std::io::Error::from)?;
        let mut connections = Vec::new();
        for (place, request) in requests.into_iter().enumerate() {
            let stream = TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let data = epoll::EventData::new_u64(place as u64);
            epoll::add(&epoll, &stream, data, epoll::EventFlags::IN)
                .map_err(std::io::Error::from)?;
            connections.push(Connection {
                stream,
                request,
                answer: Vec::new(),
                due: None,
            });
        }
        Ok(Self { epoll, connections })
    }

    /// Sends the next request of each connection as soon as the one before is answered.
    pub(crate) fn without_pause(&mut self, span: Duration) -> Result<Carried, BenchError> {
        let started = Instant::now();
        let mut carried = Carried::nothing();
        for connection in &mut self.connections {
            connection.send(started)?;
        }
        let mut ready = Vec::with_capacity(self.connections.len());
        while carried.answered < u64::MAX {
            self.wait(&mut ready, Duration::from_millis(100))?;
            let now = Instant::now();
            let is_over = now - started >= span;
            for place in ready.drain(..) {
                let connection = &mut self.connections[place];
                if connection.receive(now, &mut carried)? && !is_over {
                    connection.send(now)?;
                }
            }
            if is_over && self.connections.iter().all(|c| c.due.is_none()) {
                break;
            }
        }
        carried.span = started.elapsed();
        Ok(carried)
    }

    /// Sends so many requests a second, whether or not the ones before are answered: a request
    /// that finds no connection free waits, and its wait counts. It ends when all that fell due
    /// within `span` is answered, however late.
    pub(crate) fn at_rate(&mut self, rate: f64, span: Duration) -> Result<Carried, BenchError> {
        let started = Instant::now();
        let mut timetable = Timetable::new(started, rate, span);
        let mut carried = Carried::nothing();
        let mut free: Vec<usize> = (0..self.connections.len()).collect();
        let mut ready = Vec::with_capacity(free.len());
        while !timetable.is_over() || free.len() < self.connections.len() {
            let now = Instant::now();
            while let Some(place) = free.pop() {
                let Some(due) = timetable.due(now) else {
                    free.push(place);
                    break;
                };
                self.connections[place].send(due)?;
            }
            self.wait(&mut ready, Duration::ZERO)?;
            let now = Instant::now();
            for place in ready.drain(..) {
                if self.connections[place].receive(now, &mut carried)? {
                    free.push(place);
                }
            }
        }
        carried.span = started.elapsed();
        Ok(carried)
    }

    fn wait(&self, ready: &mut Vec<usize>, at_most: Duration) -> Result<(), BenchError> {
        let mut events = [epoll::Event {
            flags: epoll::EventFlags::empty(),
            data: epoll::EventData::new_u64(0),
        }; 64];
        let at_most = Timespec {
            tv_sec: 0,
            tv_nsec: at_most.subsec_nanos().into(),
        };
        let count = epoll::wait(&self.epoll, &mut events, Some(&at_most));
        let count = count.map_err(std::io::Error::from)?;
        ready.extend(
            events[..count]
                .iter()
                .filter_map(|e| usize::try_from(e.data.u64()).ok()),
        );
        Ok(())
    }
}

/// When the requests of a fixed rate are due.
#[derive(Debug)]
struct Timetable {
    next: Instant,
    step: Duration,
    end: Instant,
}

impl Timetable {
    fn new(start: Instant, rate: f64, span: Duration) -> Self {
        Self {
            next: start,
            step: Duration::from_secs_f64(1.0 / rate),
            end: start + span,
        }
    }

    /// When the next request was due, if it was by `now`. It is then taken as sent.
    fn due(&mut self, now: Instant) -> Option<Instant> {
        let due = self.next;
        if self.is_over() || due > now {
            return None;
        }
        self.next += self.step;
        Some(due)
    }

    /// Whether all that falls into its span has been sent.
    fn is_over(&self) -> bool {
        self.next >= self.end
    }
}

impl Carried {
    const fn nothing() -> Self {
        Self {
            answered: 0,
            span: Duration::ZERO,
            latencies: Vec::new(),
        }
    }

    /// Answers a second.
    pub(crate) fn rate(&self) -> f64 {
        crate::stats::figure(self.answered) / self.span.as_secs_f64()
    }
}

impl Connection {
    fn send(&mut self, due: Instant) -> Result<(), BenchError> {
        self.due = Some(due);
        // A request is far shorter than what a socket takes at once.
        Ok(self.stream.write_all(&self.request)?)
    }

    /// Reads what is there. Says whether that completes the answer.
    fn receive(&mut self, now: Instant, carried: &mut Carried) -> Result<bool, BenchError> {
        let mut bytes = [0; 4096];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) => return Err(BenchError::Wrong("a server closed a connection")),
                Ok(count) => {
                    self.answer.extend_from_slice(&bytes[..count]);
                    if is_whole(&self.answer)? {
                        break;
                    }
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(e) => return Err(e.into()),
            }
        }
        self.answer.clear();
        if let Some(due) = self.due.take() {
            carried.answered += 1;
            carried.latencies.push((now - due).as_secs_f64());
        }
        Ok(true)
    }
}

/// Whether these bytes are a whole answer, which must be a 200.
fn is_whole(answer: &[u8]) -> Result<bool, BenchError> {
    let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(false);
    };
    if !answer.starts_with(b"HTTP/1.1 200") {
        return Err(BenchError::Wrong(
            "a server answered something else than 200",
        ));
    }
    Ok(answer.len() >= head + 4 + body_len(&answer[..head])?)
}

fn body_len(head: &[u8]) -> Result<usize, BenchError> {
    const NAME: &[u8] = b"\r\ncontent-length: ";
    let no_length = BenchError::Wrong("an answer does not say how long it is");
    let place = head.windows(NAME.len()).position(|name| name == NAME);
    let Some(place) = place else {
        return Err(no_length);
    };
    let digits = head[place + NAME.len()..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    Ok(digits.fold(0, |length, digit| length * 10 + usize::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_stall_to_the_end_when_it_is_over_then_all_that_fell_due_meanwhile_is_still_sent() {
        let start = Instant::now();
        let mut timetable = Timetable::new(start, 1000.0, Duration::from_millis(100));
        let late = start + Duration::from_secs(7);

        let first = timetable.due(start);
        let early = timetable.due(start);
        let rest: Vec<Instant> = std::iter::from_fn(|| timetable.due(late)).collect();

        assert_eq!((first, early), (Some(start), None));
        assert_eq!(rest.len(), 99);
        assert_eq!(rest[98], start + Duration::from_millis(99));
        assert!(timetable.is_over());
    }

    #[test]
    fn given_parts_of_an_answer_when_looked_at_then_it_is_whole_with_its_last_byte() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nx: y\r\n\r\nabc";

        for end in 0..answer.len() {
            assert!(!is_whole(&answer[..end]).unwrap(), "{end}");
        }
        assert!(is_whole(answer).unwrap());
    }
}
