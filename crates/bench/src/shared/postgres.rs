//! PostgreSQL, with each commit synced before it is answered.

use std::process::Command;
use std::time::Duration;

use innkeeper_store_postgres::PostgresStore;
use innkeeper_test_servers::postgres::Postgres;

use super::Server;
use crate::BenchError;
use crate::row::{POSTGRES, SharedRows};

/// What a sign-in writes at least: a roster and a session in place of others, and an entry of a
/// journal, behind the lock of the roster.
const AS_MUCH: &str = "CREATE EXTENSION pg_stat_statements;
    CREATE TABLE floor_roster (id int PRIMARY KEY, version bigint, head text);
    CREATE TABLE floor_session (id int, slot int, record text, PRIMARY KEY (id, slot));
    CREATE TABLE floor_journal (place bigserial PRIMARY KEY, entry text);
    INSERT INTO floor_roster SELECT i, 0, '' FROM generate_series(1, 2000) AS i;
    CREATE FUNCTION floor_step(of int, payload text) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM FROM floor_roster WHERE id = of FOR UPDATE;
        UPDATE floor_roster SET version = version + 1, head = payload WHERE id = of;
        DELETE FROM floor_session WHERE id = of AND slot = 0;
        INSERT INTO floor_session VALUES (of, 0, payload);
        INSERT INTO floor_journal (entry) VALUES (payload);
    END $$;";

pub(crate) struct PostgresServer {
    server: Postgres,
    url: String,
    database: String,
}

impl Server for PostgresServer {
    type Store = PostgresStore;

    const ROWS: SharedRows = POSTGRES;
    const AT_BEST: &'static str = "pgbench with a transaction that writes as many bytes";

    fn start() -> Result<Self, BenchError> {
        let server = Postgres::start_with(&["shared_preload_libraries=pg_stat_statements"])?;
        let url = server.database()?;
        let database = url.rsplit('=').next().unwrap_or_default().to_owned();
        server.ask(&database, AS_MUCH)?;
        Ok(Self {
            server,
            url,
            database,
        })
    }

    async fn open(&self) -> Result<PostgresStore, BenchError> {
        let opened = PostgresStore::open(&self.url).await;
        opened.map_err(|error| BenchError::Server(error.to_string()))
    }

    async fn commands_of(
        &self,
        work: impl Future<Output = Result<(), BenchError>>,
    ) -> Result<u64, BenchError> {
        self.server
            .ask(&self.database, "SELECT pg_stat_statements_reset()")?;
        work.await?;
        let query = "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements \
            WHERE query NOT LIKE '%pg_stat_statements%'";
        number(&self.server.ask(&self.database, query)?)
    }

    fn written(&self) -> Result<u64, BenchError> {
        let query = "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn";
        number(&self.server.ask(&self.database, query)?)
    }

    fn at_best(&self, clients: usize, bytes: u64, span: Duration) -> Result<f64, BenchError> {
        let script = tempfile::NamedTempFile::new()?;
        // The payload is written three times.
        let payload = bytes / 3;
        let step =
            format!("\\set of random(1, 2000)\nSELECT floor_step(:of, repeat('x', {payload}));\n");
        std::fs::write(script.path(), step)?;
        let said = Command::new("pgbench")
            .args(["--no-vacuum", "--protocol=prepared", "--jobs=2"])
            .arg(format!("--client={clients}"))
            .arg(format!("--time={}", span.as_secs().max(1)))
            .arg(format!("--file={}", script.path().display()))
            .arg("--host")
            .arg(self.server.socket().with_file_name(""))
            .args(["--username=postgres", &self.database])
            .output()?;
        let text = String::from_utf8_lossy(&said.stdout);
        let rate = text.lines().find_map(|line| {
            let rest = line.strip_prefix("tps = ")?;
            rest.split(' ').next()?.parse().ok()
        });
        let complained = String::from_utf8_lossy(&said.stderr);
        rate.ok_or_else(|| BenchError::Server(format!("pgbench said: {text}{complained}")))
    }
}

fn number(text: &str) -> Result<u64, BenchError> {
    let wrong = BenchError::Wrong("PostgreSQL answered with no number");
    text.trim().parse().map_err(|_| wrong)
}
