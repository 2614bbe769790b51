//! Redis, with each change in its file and synced before it is answered.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use innkeeper_store_redis::{RedisStore, Snapshots};
use innkeeper_test_servers::redis::Redis;

use super::Server;
use crate::BenchError;
use crate::row::{REDIS, SharedRows};

/// Said to the server once all that is counted has been sent.
const MARK: &str = "that was all";

/// What a sign-in writes at least: a roster and a session in place of others, and an entry of a
/// journal.
const AS_MUCH: &str = "#!lua name=floor\n\
    redis.register_function('floor', function(keys, args)\n\
    redis.call('HSET', keys[1], 'roster', args[1], 's:' .. math.random(5), args[1])\n\
    redis.call('XADD', 'floor', '*', 'e', args[1])\n\
    return 1 end)";

pub(crate) struct RedisServer(Redis);

impl Server for RedisServer {
    type Store = RedisStore;

    const ROWS: SharedRows = REDIS;
    const AT_BEST: &'static str = "redis-benchmark with a function that writes as many bytes";

    fn start() -> Result<Self, BenchError> {
        // Without rewriting its file by itself, which writes all of it once more in the middle of a
        // round and leaves it shorter than it was.
        let server = Redis::start_with(&["--auto-aof-rewrite-percentage", "0"])?;
        server.ask(&["FUNCTION", "LOAD", AS_MUCH])?;
        Ok(Self(server))
    }

    async fn open(&self) -> Result<RedisStore, BenchError> {
        let opened = RedisStore::open(&self.0.url(), Snapshots::Refused).await;
        opened.map_err(|error| BenchError::Server(error.to_string()))
    }

    async fn commands_of(
        &self,
        work: impl Future<Output = Result<(), BenchError>>,
    ) -> Result<u64, BenchError> {
        let mut monitor = Command::new("redis-cli")
            .arg("-s")
            .arg(self.0.socket())
            .arg("MONITOR")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let said = monitor.stdout.take().expect("it is piped");
        let mut lines = BufReader::new(said).lines();
        // It says OK once it hears all.
        let began = lines.next().transpose()?;
        let done = work.await;
        self.0.ask(&["ECHO", MARK])?;
        let mut count = 0;
        for line in lines {
            let line = line?;
            if line.contains(MARK) {
                break;
            }
            // What a function does inside is no command of a client.
            if !line.contains(" lua] ") {
                count += 1;
            }
        }
        monitor.kill()?;
        monitor.wait()?;
        done?;
        match began.as_deref() {
            Some("OK") => Ok(count),
            _ => Err(BenchError::Server("redis-cli MONITOR heard nothing".into())),
        }
    }

    fn written(&self) -> Result<u64, BenchError> {
        let info = self.0.ask(&["INFO", "persistence"])?;
        let size = info.lines().find_map(|line| {
            let size = line.strip_prefix("aof_current_size:")?;
            size.trim().parse().ok()
        });
        size.ok_or(BenchError::Wrong("Redis does not say what it has written"))
    }

    fn at_best(&self, clients: usize, bytes: u64, span: Duration) -> Result<f64, BenchError> {
        // The payload is written three times.
        let payload = "x".repeat(usize::try_from(bytes / 3).unwrap_or_default().max(1));
        // About as long as ours lasted: a server that syncs does some thousands a second.
        let requests = (span.as_secs() * 5_000).max(1).to_string();
        let said = Command::new("redis-benchmark")
            .arg("-s")
            .arg(self.0.socket())
            .args(["-c", &clients.to_string(), "-n", &requests, "-r", "2000"])
            .args([
                "--csv",
                "FCALL",
                "floor",
                "1",
                "floor:__rand_int__",
                &payload,
            ])
            .output()?;
        let text = String::from_utf8_lossy(&said.stdout);
        let last = text.lines().last().unwrap_or_default();
        // "FCALL …","12345.67",…
        let rate = last.rsplit("\",\"").nth(6).and_then(|r| r.parse().ok());
        rate.ok_or_else(|| BenchError::Server(format!("redis-benchmark said: {text}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Redis made its file anew above 64 MB, in the middle of a measurement: what had been written
    /// was then less than before, and the number of the bytes wrapped.
    #[test]
    fn given_a_log_past_the_size_for_making_it_anew_when_more_is_written_then_all_of_that_counts() {
        let server = RedisServer::start().unwrap();
        let past = ["CONFIG", "SET", "auto-aof-rewrite-min-size", "1"];
        server.0.ask(&past).unwrap();
        let before = server.written().unwrap();

        let rate = server.at_best(8, 300, Duration::from_secs(1)).unwrap();

        let written = server.written().unwrap();
        assert!(rate > 0.0, "{rate}");
        assert!(written > before + 5_000 * 300, "{before} and {written}");
        let info = server.0.ask(&["INFO", "persistence"]).unwrap();
        for never in ["aof_rewrite_in_progress:0", "aof_last_rewrite_time_sec:-1"] {
            assert!(info.contains(never), "{info}");
        }
    }
}
