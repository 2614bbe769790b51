//! From the start of the program to its first answer, on a store that does not exist yet.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use crate::row::Row;
use crate::stats::{figure, median};
use crate::{BenchError, Run, child, machine};

pub(crate) fn measure(
    run: &Run<'_>,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Row>, BenchError> {
    progress("starting a server on an empty store");
    let rounds = if run.quick { 3 } else { 9 };
    let (mut ready, mut resident) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let folder = run.folder()?;
        let started = Instant::now();
        let mut server = child::start_server(&run.keeper, folder.path())?;
        let address = server.address("innkeeper listens on http://")?;
        if !is_ready(&address)? {
            return Err(BenchError::Wrong("the server listens and is not ready"));
        }
        ready.push(started.elapsed().as_secs_f64() * 1e3);
        let bytes = machine::resident_bytes(&server.id().to_string())?;
        resident.push(figure(bytes) / 1e6);
    }
    Ok(vec![
        Row::alone("start_to_ready", median(&ready), "ms").goal("under 100 ms"),
        Row::alone("resident_empty", median(&resident), "MB").goal("under 25 MB"),
    ])
}

fn is_ready(address: &str) -> Result<bool, BenchError> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.starts_with("HTTP/1.1 200"))
}
