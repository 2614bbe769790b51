//! How much may still be done. What it takes to clean up is set aside before it is needed.

use std::time::{Duration, Instant};

use crate::ceiling;
use crate::recipe::Limits;
use crate::trouble::Trouble;

/// From which purse a request is paid.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Purse {
    /// The everyday one, paced.
    Plain,
    /// That of bursts, which `--allow burst` opens.
    Burst,
}

/// One purse.
#[derive(Debug)]
struct Pool {
    requests: u32,
    requests_max: u32,
    logins: u32,
    logins_max: u32,
    /// Set aside for signing out what this purse signed in.
    reserved: u32,
}

/// Both purses, the time, and the pace.
#[derive(Debug)]
pub(crate) struct Budget {
    plain: Pool,
    burst: Pool,
    began: Instant,
    max_time: Duration,
    between: Duration,
    next: Instant,
}

/// What is left, for whoever watches.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Left {
    /// Requests outside bursts.
    pub requests: u32,
    /// Sign-ins outside bursts.
    pub logins: u32,
    /// Seconds.
    pub seconds: u64,
}

impl Budget {
    pub(crate) fn new(limits: &Limits) -> Self {
        let now = Instant::now();
        let pool = |requests: u32, logins: u32| Pool {
            requests: 0,
            requests_max: requests.min(ceiling::REQUESTS),
            logins: 0,
            logins_max: logins.min(ceiling::LOGINS),
            reserved: 0,
        };
        Self {
            plain: pool(limits.max_requests, limits.max_logins),
            burst: pool(limits.burst_requests, limits.burst_logins),
            began: now,
            max_time: limits.max_time.min(ceiling::TIME),
            between: Duration::from_secs_f64(1.0 / limits.rate.min(ceiling::RATE)),
            next: now,
        }
    }

    fn pool(&mut self, purse: Purse) -> &mut Pool {
        match purse {
            Purse::Plain => &mut self.plain,
            Purse::Burst => &mut self.burst,
        }
    }

    /// Requests made so far.
    pub(crate) fn requests(&self) -> u32 {
        self.plain.requests + self.burst.requests
    }

    /// Sign-ins begun so far.
    pub(crate) fn logins(&self) -> u32 {
        self.plain.logins + self.burst.logins
    }

    /// What is left of the everyday purse.
    pub(crate) fn left(&self) -> Left {
        let pool = &self.plain;
        let used = pool.requests + pool.reserved;
        Left {
            requests: pool.requests_max.saturating_sub(used),
            logins: pool.logins_max.saturating_sub(pool.logins),
            seconds: self.max_time.saturating_sub(self.began.elapsed()).as_secs(),
        }
    }

    /// Takes one request, and says when it may be sent.
    pub(crate) fn take(&mut self, purse: Purse) -> Result<Instant, Trouble> {
        // A tenth of the time is set aside for cleaning up.
        let time_is_up = self.began.elapsed() > self.max_time.mul_f64(0.9);
        let all = self.requests() + self.plain.reserved + self.burst.reserved;
        let pool = self.pool(purse);
        if time_is_up {
            return Err(Trouble::Short("the time of the run is used up".to_owned()));
        }
        if pool.requests + pool.reserved >= pool.requests_max || all >= ceiling::REQUESTS {
            return Err(Trouble::Short(
                "the requests of the run are used up".to_owned(),
            ));
        }
        pool.requests += 1;
        Ok(self.paced(purse))
    }

    /// Takes one request that cleans up, out of what was set aside.
    pub(crate) fn take_to_clean_up(&mut self, purse: Purse) -> Result<Instant, Trouble> {
        let all = self.requests();
        let pool = self.pool(purse);
        if pool.requests >= pool.requests_max || all >= ceiling::REQUESTS {
            return Err(Trouble::Short(
                "nothing is left to clean up with".to_owned(),
            ));
        }
        pool.reserved = pool.reserved.saturating_sub(1);
        pool.requests += 1;
        Ok(self.paced(purse))
    }

    /// Takes one sign-in, for which `requests` and then `to_clean_up` more have to be possible.
    pub(crate) fn take_login(
        &mut self,
        purse: Purse,
        requests: u32,
        to_clean_up: u32,
    ) -> Result<(), Trouble> {
        let all_logins = self.logins();
        let all = self.requests() + self.plain.reserved + self.burst.reserved;
        let pool = self.pool(purse);
        let more = requests + to_clean_up;
        if pool.logins >= pool.logins_max || all_logins >= ceiling::LOGINS {
            return Err(Trouble::Short(
                "the sign-ins of the run are used up".to_owned(),
            ));
        }
        if pool.requests + pool.reserved + more > pool.requests_max
            || all + more > ceiling::REQUESTS
        {
            let words = "too few requests are left to sign in and out again";
            return Err(Trouble::Short(words.to_owned()));
        }
        pool.logins += 1;
        pool.reserved += to_clean_up;
        Ok(())
    }

    /// Gives back what was set aside for a session that needs no cleaning up any more.
    pub(crate) fn give_back(&mut self, purse: Purse, requests: u32) {
        let pool = self.pool(purse);
        pool.reserved = pool.reserved.saturating_sub(requests);
    }

    /// Puts everything off, because the application asked for it. The error is that it asked for
    /// more than there is.
    pub(crate) fn put_off(&mut self, by: Duration) -> Result<(), Trouble> {
        if self.began.elapsed() + by > self.max_time.mul_f64(0.9) {
            return Err(Trouble::Stop(format!(
                "the application asks to wait {} s, which is more time than the run has",
                by.as_secs()
            )));
        }
        self.next = self.next.max(Instant::now() + by);
        Ok(())
    }

    fn paced(&mut self, purse: Purse) -> Instant {
        let at = self.next.max(Instant::now());
        if purse == Purse::Plain {
            self.next = at + self.between;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(requests: u32, logins: u32) -> Budget {
        Budget::new(&Limits {
            max_requests: requests,
            max_logins: logins,
            ..Limits::default()
        })
    }

    #[test]
    fn given_a_session_to_clean_up_when_the_budget_runs_out_then_its_share_is_still_there() {
        let mut budget = budget(5, 9);

        budget.take_login(Purse::Plain, 1, 2).unwrap();
        let taken = (0..9)
            .take_while(|_| budget.take(Purse::Plain).is_ok())
            .count();

        assert_eq!(taken, 3);
        assert!(budget.take_to_clean_up(Purse::Plain).is_ok());
        assert!(budget.take_to_clean_up(Purse::Plain).is_ok());
        assert!(budget.take_to_clean_up(Purse::Plain).is_err());
        assert_eq!(budget.requests(), 5);
    }

    #[test]
    fn given_too_little_for_signing_out_when_a_sign_in_is_asked_for_then_it_is_not_begun() {
        let mut budget = budget(4, 9);

        assert!(budget.take_login(Purse::Plain, 2, 2).is_ok());
        assert!(budget.take_login(Purse::Plain, 2, 2).is_err());
        assert_eq!(budget.logins(), 1);
    }

    #[test]
    fn given_limits_beyond_the_ceilings_when_spent_then_the_ceilings_hold() {
        let mut budget = Budget::new(&Limits {
            max_requests: u32::MAX,
            burst_requests: u32::MAX,
            burst_logins: u32::MAX,
            ..Limits::default()
        });

        let logins = (0..1000)
            .take_while(|_| budget.take_login(Purse::Burst, 1, 2).is_ok())
            .count();
        while budget.take(Purse::Burst).is_ok() {}
        while budget.take(Purse::Plain).is_ok() {}
        while budget.take_to_clean_up(Purse::Plain).is_ok() {}

        assert_eq!(logins, ceiling::LOGINS as usize);
        assert_eq!(budget.requests(), ceiling::REQUESTS);
    }
}
