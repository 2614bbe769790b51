//! Kills: the binary dies in the middle of its work, again and again on the same folder.
//!
//! Each round has subjects of its own. When the server is back, their sessions are looked at and
//! every token is presented, and those of a few rounds before with them; at the end those of all
//! rounds. What was acknowledged must have stayed.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use innkeeper_simulation::dice::Dice;
use innkeeper_simulation::history::Subject;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::book::{Book, Guest};
use crate::disk::SmallDisk;
use crate::hand::{self, Ask, Hand, Mixture};
use crate::rounds::{Events, Outcome, hands, take_stock};
use crate::server::{Server, Start};

const GUESTS: u32 = 4;
const HANDS: usize = 24;
const LIMIT: usize = 3;
/// How many rounds back are looked at again after each restart.
const AGAIN: usize = 3;
/// How long a caller waits for a server that was stopped, or has no room.
const PATIENCE: Duration = Duration::from_millis(150);
/// The most time that a full disk is given to be noticed by somebody.
const FULL_FOR: Duration = Duration::from_secs(2);

const MIXTURE: &Mixture = &[
    (Ask::SignIn, 40),
    (Ask::Check, 15),
    (Ask::Renew, 5),
    (Ask::Reauthenticate, 3),
    (Ask::Revoke, 20),
    (Ask::RevokeAll, 4),
    (Ask::Credential, 3),
    (Ask::Disable, 2),
    (Ask::Limit, 4),
    (Ask::Look, 10),
];

/// Kills of a binary under load.
#[derive(Clone, Debug)]
pub struct Kills {
    /// The binary.
    pub binary: PathBuf,
    /// How many rounds; each ends with a kill.
    pub rounds: u64,
    /// Every so many rounds the process is stopped for a while first; 0 for never.
    pub pause_every: u64,
    /// Every so many rounds the disk is full first; 0 for never.
    pub full_every: u64,
}

/// What the rounds were made of.
#[derive(Clone, Copy, Debug, Default)]
pub struct Deeds {
    /// Servers that were killed.
    pub kills: u64,
    /// Servers that were stopped for a while before.
    pub pauses: u64,
    /// Servers whose disk was full before.
    pub full: u64,
    /// Answers on a full disk that said that nothing is known.
    pub without_room: u64,
    /// Times that the sessions of a round were looked at after a restart.
    pub looked_at: u64,
}

/// A folder with a server on it, and the rounds that were played there.
struct Place {
    start: Start,
    server: Server,
    disk: Option<SmallDisk>,
    /// What callers were told here, each with its round: others were played elsewhere.
    books: Vec<(u64, Arc<Book>)>,
}

impl Kills {
    /// Plays them all, below `folder`; `seen` hears of each. Where something was broken, all that
    /// callers were told in that round is written down there; and in the last rounds, where a
    /// server did not come back.
    pub async fn play(
        &self,
        folder: &Path,
        mut seen: impl FnMut(u64),
    ) -> io::Result<(Outcome, Deeds)> {
        let mut deeds = Deeds::default();
        let mut dice = Dice::new(self.rounds);
        let mut ordinary = self.open(folder.join("data"), None)?;
        let mut small = if self.full_every > 0 {
            let mount = folder.join("small");
            let disk = SmallDisk::mount(&mount)?;
            Some(self.open(mount.join("data"), Some(disk))?)
        } else {
            None
        };
        let mut last = 0;
        let played = async {
            for round in 1..=self.rounds {
                last = round;
                let is = |every: u64| every > 0 && round.is_multiple_of(every);
                let place = match &mut small {
                    Some(small) if is(self.full_every) => small,
                    _ => &mut ordinary,
                };
                let pauses = is(self.pause_every) && place.disk.is_none();
                place.round(round, pauses, &mut deeds, &mut dice).await?;
                place.verify(AGAIN, Events::OF_ONE, &mut deeds).await;
                seen(round);
            }
            Ok::<_, io::Error>(())
        }
        .await;
        let mut outcome = Outcome::default();
        for mut place in [Some(ordinary), small].into_iter().flatten() {
            if played.is_ok() {
                place.verify(usize::MAX, Events::Left, &mut deeds).await;
            }
            for (round, book) in &place.books {
                book.count(&mut outcome.tally);
                let found = book.violations();
                if played.is_err() && last - round < AGAIN as u64 {
                    book.keep(*round, &found, folder)?;
                }
                outcome.take(*round, book, found, folder)?;
            }
        }
        played.map(|()| (outcome, deeds))
    }

    fn open(&self, data: PathBuf, disk: Option<SmallDisk>) -> io::Result<Place> {
        let start = Start {
            binary: self.binary.clone(),
            data,
            settings: vec![("INNKEEPER_POLICY__MAX_SESSIONS", LIMIT.to_string())],
        };
        Ok(Place {
            server: start.now()?,
            start,
            disk,
            books: Vec::new(),
        })
    }
}

impl Place {
    /// Works the server until it has answered so often, then takes it down and up again.
    async fn round(
        &mut self,
        round: u64,
        pauses: bool,
        deeds: &mut Deeds,
        dice: &mut Dice,
    ) -> io::Result<()> {
        let guests = (0..GUESTS).map(|n| Guest {
            subject: Subject(n),
            tenant: "default",
            name: format!("guest-{round}-{n}"),
        });
        let book = Arc::new(Book::about(guests.collect(), LIMIT));
        let answers = Arc::new(Semaphore::new(0));
        let mut callers = hands(std::slice::from_ref(&self.server), HANDS, dice.next());
        let _ = callers[0].begin_events(&book).await;
        let working = tokio::spawn(work(callers, Arc::clone(&book), Arc::clone(&answers)));

        let enough = 30 + dice.below(170);
        wait_for(&answers, enough).await;
        if pauses {
            deeds.pauses += 1;
            self.server.pause();
            sleep(PATIENCE + Duration::from_millis(dice.below(150))).await;
            self.server.go_on();
            let _ = timeout(FULL_FOR, wait_for(&answers, enough)).await;
        }
        if let Some(disk) = &self.disk {
            deeds.full += 1;
            disk.fill()?;
            let before = book.unavailable();
            let noticed = async {
                while book.unavailable() < before + HANDS as u64 * 2 {
                    sleep(Duration::from_millis(10)).await;
                }
            };
            let _ = timeout(FULL_FOR, noticed).await;
            deeds.without_room += book.unavailable() - before;
        }
        // At another place of a commit each time.
        sleep(Duration::from_micros(dice.below(4000))).await;
        book.crash();
        // What was acknowledged about earlier rounds since has to outlive this one too.
        for (_, earlier) in &self.books {
            earlier.crash();
        }
        self.server.kill();
        deeds.kills += 1;
        working.await.expect("hands do not panic");
        if let Some(disk) = &self.disk {
            disk.empty()?;
        }
        self.books.push((round, book));
        self.server = self.start.now()?;
        Ok(())
    }

    /// Looks at the last so many rounds once more.
    async fn verify(&mut self, last: usize, events: Events, deeds: &mut Deeds) {
        let mut callers = hands(std::slice::from_ref(&self.server), 8, 0);
        for (_, book) in self.books.iter().rev().take(last) {
            callers = take_stock(callers, book, events).await;
            deeds.looked_at += 1;
        }
    }
}

async fn wait_for(answers: &Semaphore, count: u64) {
    let count = u32::try_from(count).expect("it is small");
    let permits = answers.acquire_many(count).await;
    permits.expect("it is never closed").forget();
}

/// Asks and asks until the server is gone.
async fn work(hands: Vec<Hand>, book: Arc<Book>, answers: Arc<Semaphore>) {
    hand::all(hands, &book, move |place, mut hand, book| {
        let answers = Arc::clone(&answers);
        async move {
            let guest = &book.guests[place % book.guests.len()];
            // A server that is down refuses the connection; one that was only slow is asked again.
            while hand.client.connect().await.is_some() {
                let asking = hand.ask_one(MIXTURE, LIMIT as u64, &book, guest);
                if let Ok(Ok(())) = timeout(PATIENCE * 2, asking).await {
                    answers.add_permits(1);
                }
            }
            hand
        }
    })
    .await;
}
