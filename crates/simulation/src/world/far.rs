//! Nodes that share a store: each behind a line of its own, with leases, a clock of its own, and
//! pauses in which time goes on without it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use innkeeper_store::clock::{Clock, ManualClock};
use innkeeper_store::lease::{Leased, Terms};
use innkeeper_store::{Register, SessionStore};

use crate::dice::Dice;
use crate::flaws::Flaw;
use crate::history::{Loss, Outage};
use crate::hub::{Hub, Visits};
use crate::line::Line;
use crate::tally::Nodes;
use crate::weather::Weather;
use crate::wrong_lease::WrongLease;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How nodes are wired to what they share.
#[derive(Debug)]
pub(super) struct Far {
    hub: Arc<Hub>,
    clock: Arc<ManualClock>,
    dice: Dice,
    /// For how long a roster is answered from (B).
    span: Duration,
    /// How long something takes on its way at most.
    slow: Duration,
    /// Whether the standby may lag behind the primary.
    is_lagging: bool,
    /// The last place that the standby has heard of.
    heard_of: usize,
    flaw: Option<Flaw>,
    weathers: Vec<Arc<Weather>>,
    nodes: Vec<Node>,
    tally: Nodes,
}

/// What is behind one node.
struct Node {
    line: Arc<Line>,
    wired: Wired,
    clock: Arc<ManualClock>,
    /// The channel, as long as it is whole.
    watching: Option<Work>,
    /// Visits that are being written down.
    writing: Option<Work>,
    paused_until: Duration,
    cut: Option<Cut>,
}

/// What a node holds of the store.
enum Wired {
    Right(Arc<Leased<Line>>),
    Wrong(Arc<WrongLease>),
}

impl Wired {
    /// Hears of commits until the channel breaks.
    fn watching(&self) -> Work {
        match self {
            Self::Right(leased) => Box::pin(leased.watching()),
            Self::Wrong(leased) => Box::pin(Arc::clone(leased).watch()),
        }
    }

    /// Writes down the visits that are due.
    fn writing(&self) -> Work {
        let Self::Right(leased) = self else {
            return Box::pin(async {});
        };
        let leased = Arc::clone(leased);
        Box::pin(async move {
            // What could not be written is left to the next time.
            let _ = leased.flush_due().await;
        })
    }
}

/// Since when a node is cut off.
struct Cut {
    from: usize,
    at: Duration,
    /// Since when it holds no lease either.
    dark_from: Option<usize>,
}

impl Far {
    pub(super) fn new(
        clock: Arc<ManualClock>,
        mut dice: Dice,
        faults: u64,
        flaw: Option<Flaw>,
    ) -> Self {
        let visits = match flaw {
            Some(Flaw::VisitsRevive) => Visits::OfAnybody,
            _ => Visits::OfTheLiving,
        };
        let hub = Arc::new(Hub::new(Arc::clone(&clock), visits));
        let nodes = 2 + dice.below(2);
        let weathers = (0..nodes).map(|_| {
            let weather = Weather::over(Arc::clone(&hub) as _, dice.split(), faults);
            Arc::new(weather)
        });
        let weathers = weathers.collect();
        let spans = [0, 200, 2000, 20_000];
        let span = *dice.one_of(&spans).expect("there are some");
        Self {
            hub,
            flaw,
            weathers,
            clock,
            span: Duration::from_millis(span),
            slow: Duration::from_millis(*dice.one_of(&[50, 500, 3000]).expect("there are some")),
            is_lagging: dice.once_in(2),
            dice,
            heard_of: 0,
            nodes: Vec::new(),
            tally: Nodes::default(),
        }
    }

    pub(super) fn hub(&self) -> Arc<Hub> {
        Arc::clone(&self.hub)
    }

    pub(super) fn weathers(&self) -> Vec<Arc<Weather>> {
        self.weathers.clone()
    }

    /// How many nodes there are.
    pub(super) const fn count(&self) -> usize {
        self.weathers.len()
    }

    pub(super) const fn span(&self) -> Duration {
        self.span
    }

    /// All nodes are gone.
    pub(super) fn close(&mut self, place: usize) -> Vec<Outage> {
        let mut outages = Vec::new();
        for number in 0..self.nodes.len() {
            self.mend(number, place, &mut outages);
        }
        for node in self.nodes.drain(..) {
            self.tally.lines.add(&node.line.tally());
        }
        outages
    }

    /// The next node's way to the store: a line on which nothing goes wrong until it is
    /// [stirred](Self::stir) up.
    pub(super) fn wire(&mut self, number: usize) -> (Arc<dyn SessionStore>, Arc<dyn Register>) {
        let line = Arc::new(Line::to(
            Arc::clone(&self.hub),
            Arc::clone(&self.weathers[number]),
            Arc::clone(&self.clock),
            self.dice.split(),
            self.slow,
        ));
        // Its clocks have counted from some other day, and its wall clock is wrong.
        let clock = Arc::new(ManualClock::at(
            1_700_000_000 + self.dice.below(200_000_000),
        ));
        clock.pass(Duration::from_secs(self.dice.below(100_000)));
        let (wired, store, register): (_, Arc<dyn SessionStore>, Arc<dyn Register>) =
            match self.flaw {
                None | Some(Flaw::VisitsRevive) => {
                    let terms = Terms {
                        span: self.span,
                        ..Terms::default()
                    };
                    let clock = Arc::clone(&clock) as _;
                    let leased = Leased::unattended(Arc::clone(&line), terms, clock);
                    let leased = Arc::new(leased);
                    let (store, register) = (Arc::clone(&leased), Arc::clone(&leased));
                    (Wired::Right(leased), store, register)
                }
                Some(flaw) => {
                    let clock = Arc::clone(&clock) as _;
                    let leased = WrongLease::new(flaw, Arc::clone(&line), self.span, clock);
                    let leased = Arc::new(leased);
                    let (store, register) = (Arc::clone(&leased), Arc::clone(&leased));
                    (Wired::Wrong(leased), store, register)
                }
            };
        self.nodes.push(Node {
            line,
            wired,
            clock,
            watching: None,
            writing: None,
            paused_until: Duration::ZERO,
            cut: None,
        });
        (store, register)
    }

    /// The nodes are open: from now on things go wrong.
    pub(super) fn stir(&self) {
        self.nodes.iter().for_each(|node| node.line.stir());
    }

    /// Nothing goes wrong any more, and nobody pauses.
    pub(super) fn clear_up(&mut self, place: usize) -> Vec<Outage> {
        let mut outages = Vec::new();
        for number in 0..self.nodes.len() {
            self.mend(number, place, &mut outages);
            self.nodes[number].line.clear_up();
            self.nodes[number].paused_until = Duration::ZERO;
        }
        outages
    }

    /// The hub knows all that there is, and its standby too.
    pub(super) fn catch_up(&mut self, place: usize) {
        self.hub.catch_up();
        self.heard_of = place;
    }

    /// Whether a node stands still.
    pub(super) fn is_paused(&self, node: usize) -> bool {
        self.clock.steady() < self.nodes[node].paused_until
    }

    /// Time passes, for everybody.
    pub(super) fn pass(&self, span: Duration) {
        self.nodes.iter().for_each(|node| node.clock.pass(span));
    }

    /// Nodes do what they do by themselves, and it is noted who is in the dark.
    pub(super) fn work(&mut self, place: usize) {
        for number in 0..self.nodes.len() {
            if self.is_paused(number) || self.dice.once_in(3) {
                continue;
            }
            let watches = self.dice.once_in(8);
            let writes = self.dice.once_in(30);
            let node = &mut self.nodes[number];
            if node.watching.is_none() && watches && !self.span.is_zero() {
                node.watching = Some(node.wired.watching());
            }
            if node.writing.is_none() && writes {
                node.writing = Some(node.wired.writing());
            }
            go_on(&mut node.watching);
            go_on(&mut node.writing);
        }
        let now = self.clock.steady();
        for node in &mut self.nodes {
            if let Some(cut) = &mut node.cut
                && cut.dark_from.is_none()
                && (now >= cut.at + self.span || !node.line.has_channel())
            {
                cut.dark_from = Some(place);
            }
        }
    }

    /// Something befalls a node, or the store.
    pub(super) fn befall(&mut self, place: usize) -> Befallen {
        let number = self.dice.place(self.nodes.len());
        let mut befallen = Befallen::default();
        match self.dice.below(14) {
            0..3 if self.nodes[number].cut.is_none() => {
                self.nodes[number].line.cut();
                self.nodes[number].cut = Some(Cut {
                    from: place,
                    at: self.clock.steady(),
                    dark_from: None,
                });
                self.tally.cuts += 1;
            }
            0..6 => self.mend(number, place, &mut befallen.outages),
            6 | 7 => {
                let broken = self.nodes[number].line.break_channel();
                self.tally.channels_broken += u64::from(broken);
            }
            8 => {
                let span = self.dice.up_to(Duration::from_secs(5));
                self.nodes[number].paused_until = self.clock.steady() + span;
                self.tally.pauses += 1;
            }
            9 => {
                let to = Duration::from_secs(1_600_000_000 + self.dice.below(400_000_000));
                self.nodes[number].clock.step_wall(to);
                self.tally.clock_steps += 1;
            }
            10..13 => self.catch_up(place),
            _ => {
                if !self.is_lagging {
                    self.catch_up(place);
                }
                self.hub.fail_over();
                self.tally.failovers += 1;
                befallen.is_failover = true;
                if self.heard_of < place {
                    self.tally.lossy += 1;
                    befallen.loss = Some(Loss {
                        from: self.heard_of,
                        over_at: millis(self.clock.steady() + self.span) + 1,
                    });
                }
                self.heard_of = place;
            }
        }
        befallen
    }

    pub(super) fn tally(&self) -> Nodes {
        let mut tally = self.tally;
        for node in &self.nodes {
            tally.lines.add(&node.line.tally());
        }
        tally
    }

    fn mend(&mut self, number: usize, place: usize, outages: &mut Vec<Outage>) {
        let node = &mut self.nodes[number];
        let Some(cut) = node.cut.take() else {
            return;
        };
        node.line.mend();
        let dark_from = cut.dark_from.unwrap_or(place);
        let mut tell = |leases, from, until| {
            outages.push(Outage {
                node: number,
                leases,
                from,
                until,
            });
        };
        tell(true, cut.from, place);
        tell(false, dark_from, place);
    }
}

/// What came of something that befell the store.
#[derive(Debug, Default)]
pub(super) struct Befallen {
    pub(super) outages: Vec<Outage>,
    pub(super) is_failover: bool,
    pub(super) loss: Option<Loss>,
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node").finish_non_exhaustive()
    }
}

fn go_on(work: &mut Option<Work>) {
    if let Some(under_way) = work
        && let Poll::Ready(()) = under_way
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
    {
        *work = None;
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
