//! A network of our own between a test and a server: what goes through it is cut, kept back, thrown
//! away or half-closed, by hand.
//!
//! Nothing here waits for a time: whoever needs something to have happened awaits it.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;

/// What becomes of what is said in one direction.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Way {
    /// It is passed on.
    #[default]
    Open,
    /// It is kept until the way is open again.
    Held,
    /// It is thrown away.
    Lost,
    /// Who listens is told that nothing more comes; the other way may go on.
    Closed,
}

/// Something that a client says to the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Said {
    /// What has this in it.
    Word(&'static str),
    /// What comes after so many others, on whichever connection.
    After(u64),
}

/// What happens to a connection on which something is said.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cut {
    /// It is cut before the server hears of it.
    Before,
    /// It is cut once the server has begun to answer, and so many bytes of that came through.
    After(usize),
}

/// What is done at present; each connection watches it.
#[derive(Clone, Copy, Debug, Default)]
struct Orders {
    to_server: Way,
    to_client: Way,
    /// How often all connections were cut.
    cuts: u64,
    turns_away: bool,
    trap: Option<(Said, Cut)>,
}

/// What has happened so far.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Happened {
    /// Connections that were let through.
    pub connections: u64,
    /// Connections that were closed as soon as they came.
    pub turned_away: u64,
    /// Connections that were cut at what was said.
    pub sprung: u64,
    /// Connections of which a side was told that nothing more comes.
    pub closed: u64,
    /// Bytes that were thrown away, of either.
    pub lost: u64,
}

/// A server's Unix socket as a port of this machine, through which things go amiss.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    orders: Arc<watch::Sender<Orders>>,
    happened: Arc<watch::Sender<Happened>>,
    listening: tokio::task::JoinHandle<()>,
}

impl Proxy {
    /// Stands before the server that listens on this socket. It ends when it is dropped.
    pub async fn before(socket: impl Into<PathBuf>) -> io::Result<Self> {
        let socket = socket.into();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let orders = Arc::new(watch::Sender::default());
        let happened = Arc::new(watch::Sender::default());
        let between = Between {
            orders: Arc::clone(&orders),
            happened: Arc::clone(&happened),
        };
        let listening = tokio::spawn(between.listen(listener, socket));
        Ok(Self {
            address,
            orders,
            happened,
            listening,
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts every connection that there is.
    pub fn cut(&self) {
        self.orders.send_modify(|orders| orders.cuts += 1);
    }

    /// Whether whoever comes from now on is turned away.
    pub fn turn_away(&self, is_so: bool) {
        self.orders.send_modify(|orders| orders.turns_away = is_so);
    }

    /// What becomes of what clients say.
    pub fn to_server(&self, way: Way) {
        self.orders.send_modify(|orders| orders.to_server = way);
    }

    /// What becomes of what the server says.
    pub fn to_client(&self, way: Way) {
        self.orders.send_modify(|orders| orders.to_client = way);
    }

    /// Cuts the connection on which a client next says this, once.
    pub fn cut_at(&self, said: Said, cut: Cut) {
        self.orders
            .send_modify(|orders| orders.trap = Some((said, cut)));
    }

    /// Cuts none at what is said, if it was not yet.
    pub fn cut_at_nothing(&self) {
        self.orders.send_modify(|orders| orders.trap = None);
    }

    /// What has happened so far.
    #[must_use]
    pub fn happened(&self) -> Happened {
        *self.happened.borrow()
    }

    /// Waits until something has happened.
    pub async fn until(&self, is_so: impl FnMut(&Happened) -> bool) {
        // Its sender is ours, and goes with us.
        let _ = self.happened.subscribe().wait_for(is_so).await;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
        self.cut();
    }
}

/// What all that go through share.
#[derive(Clone)]
struct Between {
    orders: Arc<watch::Sender<Orders>>,
    happened: Arc<watch::Sender<Happened>>,
}

impl Between {
    async fn listen(self, listener: TcpListener, socket: PathBuf) {
        while let Ok((client, _)) = listener.accept().await {
            let server = UnixStream::connect(&socket).await;
            let (true, Ok(server)) = (!self.orders.borrow().turns_away, server) else {
                self.happened.send_modify(|h| h.turned_away += 1);
                continue;
            };
            self.happened.send_modify(|h| h.connections += 1);
            tokio::spawn(self.clone().join(client, server));
        }
    }

    /// Joins the two until both have said all, or they are cut.
    async fn join(self, client: TcpStream, server: UnixStream) {
        let cuts = self.orders.borrow().cuts;
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        // How many bytes of an answer still come through, once the word was said.
        let left = AtomicUsize::new(usize::MAX);
        let asking = self.pass(
            from_client,
            to_server,
            |o| o.to_server,
            |said| {
                match self.springs(said) {
                    Some(Cut::Before) => return 0,
                    Some(Cut::After(bytes)) => left.store(bytes, Ordering::SeqCst),
                    None => {}
                }
                said.len()
            },
        );
        let answering = self.pass(
            from_server,
            to_client,
            |o| o.to_client,
            |said| {
                match left.load(Ordering::SeqCst) {
                    usize::MAX => said.len(),
                    bytes => {
                        left.fetch_sub(bytes.min(said.len()), Ordering::SeqCst);
                        // Of an answer that is cut something is missing, however short it is.
                        bytes.min(said.len().saturating_sub(1))
                    }
                }
            },
        );
        let mut orders = self.orders.subscribe();
        tokio::select! {
            _ = async { tokio::try_join!(asking, answering) } => {}
            _ = orders.wait_for(|orders| orders.cuts != cuts) => {}
        }
    }

    /// Passes on what comes one way, as far as it may, until there is no more; an error cuts both.
    async fn pass(
        &self,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
        way: fn(&Orders) -> Way,
        may_pass: impl Fn(&[u8]) -> usize,
    ) -> io::Result<()> {
        let mut orders = self.orders.subscribe();
        let mut said = vec![0; 65536];
        loop {
            let now = way(&orders.borrow_and_update());
            let is_read = !matches!(now, Way::Held | Way::Closed);
            let count = tokio::select! {
                count = from.read(&mut said), if is_read => count?,
                _ = orders.wait_for(|orders| way(orders) != now), if now != Way::Closed => continue,
                else => 0,
            };
            if count == 0 {
                let closed = to.shutdown().await;
                self.happened.send_modify(|h| h.closed += 1);
                return closed;
            }
            if now == Way::Lost {
                self.happened.send_modify(|h| h.lost += count as u64);
                continue;
            }
            let passes = may_pass(&said[..count]);
            to.write_all(&said[..passes]).await?;
            if passes < count {
                self.happened.send_modify(|h| h.sprung += 1);
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
        }
    }

    /// What to do at this, if it is what is waited for.
    fn springs(&self, said: &[u8]) -> Option<Cut> {
        let mut sprung = None;
        self.orders.send_if_modified(|orders| {
            match &mut orders.trap {
                Some((Said::After(others @ 1..), _)) => *others -= 1,
                Some((Said::After(0), cut)) => sprung = Some(*cut),
                Some((Said::Word(word), cut)) => {
                    let is_said = said.windows(word.len()).any(|s| s == word.as_bytes());
                    sprung = is_said.then_some(*cut);
                }
                None => {}
            }
            if sprung.is_some() {
                orders.trap = None;
            }
            false
        });
        sprung
    }
}
