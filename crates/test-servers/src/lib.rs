//! Real servers for tests, each in a folder of its own, on a socket there, and gone with the
//! process that started it, however that ends; and a network between that fails by hand.

pub mod front;
pub mod postgres;
pub mod proxy;
pub mod redis;

use std::io::{self, BufRead, BufReader, Read};
use std::process::Child;
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("it is our child");
}

/// Reads what a server logs until it says this; what it says later meets an open pipe.
fn until_said(log: impl Read + Send + 'static, words: &str) -> io::Result<()> {
    let mut log = BufReader::new(log);
    let mut said = String::new();
    loop {
        let before = said.len();
        if log.read_line(&mut said)? == 0 {
            return Err(io::Error::other(format!("it did not start: {said}")));
        }
        if said[before..].contains(words) {
            break;
        }
    }
    thread::spawn(move || io::copy(&mut log, &mut io::sink()));
    Ok(())
}
