//! From when until when a certificate holds (RFC 5280, 4.1.2.5).
//!
//! rustls reads these two times only on the way to an authority. This reads as much of the
//! certificate as lies before them, and refuses what it does not understand.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use tokio_rustls::rustls::pki_types::UnixTime;
use tokio_rustls::rustls::{CertificateError, Error};

use super::der::{Der, INTEGER, SEQUENCE};

const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const VERSION: u8 = 0xa0;

/// Refuses a certificate that does not hold yet, or no longer.
pub(super) fn holds(certificate: &[u8], time: UnixTime) -> Result<(), Error> {
    let (not_before, not_after) = times(certificate).ok_or(CertificateError::BadEncoding)?;
    if time < not_before {
        return Err(CertificateError::NotValidYetContext { time, not_before }.into());
    }
    if time > not_after {
        return Err(CertificateError::ExpiredContext { time, not_after }.into());
    }
    Ok(())
}

/// In words, where a certificate was refused for its time: which date that is.
pub(super) fn lapsed(why: &CertificateError) -> Option<String> {
    let (what, moment) = match why {
        CertificateError::ExpiredContext { not_after, .. } => ("expired on", not_after),
        CertificateError::NotValidYetContext { not_before, .. } => {
            ("is not valid yet, and will be on", not_before)
        }
        _ => return None,
    };
    let seconds = i64::try_from(moment.as_secs()).ok()?;
    let at = jiff::Timestamp::from_second(seconds).ok()?;
    Some(format!("{what} {at}"))
}

fn times(certificate: &[u8]) -> Option<(UnixTime, UnixTime)> {
    let mut certificate = Der(certificate).of(SEQUENCE)?;
    let mut body = certificate.of(SEQUENCE)?;
    if body.0.first() == Some(&VERSION) {
        body.of(VERSION)?;
    }
    body.of(INTEGER)?;
    let _algorithm = body.of(SEQUENCE)?;
    let _issuer = body.of(SEQUENCE)?;
    let mut validity = body.of(SEQUENCE)?;
    Some((moment(&mut validity)?, moment(&mut validity)?))
}

/// The next value as a moment: `YYMMDDHHMMSSZ` up to 2049, `YYYYMMDDHHMMSSZ` after that.
fn moment(body: &mut Der<'_>) -> Option<UnixTime> {
    let (tag, value) = body.next()?;
    let digits = value.0.strip_suffix(b"Z")?;
    let pair = |at: usize| {
        let pair = digits.get(at..at + 2)?;
        let is_number = pair.iter().all(u8::is_ascii_digit);
        let digit = |place: usize| i8::try_from(pair[place] - b'0').ok();
        if is_number {
            Some(digit(0)? * 10 + digit(1)?)
        } else {
            None
        }
    };
    let (year, at) = match (tag, digits.len()) {
        (UTC_TIME, 12) => {
            let year = i16::from(pair(0)?);
            (year + if year < 50 { 2000 } else { 1900 }, 2)
        }
        (GENERALIZED_TIME, 14) => (i16::from(pair(0)?) * 100 + i16::from(pair(2)?), 4),
        _ => return None,
    };
    let [month, day, hour] = [pair(at)?, pair(at + 2)?, pair(at + 4)?];
    let [minute, second] = [pair(at + 6)?, pair(at + 8)?];
    let at = DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    let at = TimeZone::UTC.to_timestamp(at).ok()?;
    // Before 1970 is as good as in 1970.
    let seconds = u64::try_from(at.as_second()).unwrap_or(0);
    Some(UnixTime::since_unix_epoch(std::time::Duration::from_secs(
        seconds,
    )))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    /// A certificate that holds from the first day of one year to that of another.
    fn certificate(from: i32, until: i32) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    fn at(text: &str) -> UnixTime {
        let at: jiff::Timestamp = text.parse().unwrap();
        UnixTime::since_unix_epoch(
            at.duration_since(jiff::Timestamp::UNIX_EPOCH)
                .unsigned_abs(),
        )
    }

    #[test]
    fn given_a_certificate_when_asked_then_it_holds_between_its_times_and_not_outside() {
        for (from, until) in [(1999, 2001), (2049, 2050), (2051, 2120)] {
            let certificate = certificate(from, until);
            let first = at(&format!("{from}-01-01T00:00:00Z"));
            let last = at(&format!("{until}-01-01T00:00:00Z"));
            let second = std::time::Duration::from_secs(1).as_secs();
            let moved = |at: UnixTime, by: i64| {
                let at = at.as_secs().saturating_add_signed(by);
                UnixTime::since_unix_epoch(std::time::Duration::from_secs(at * second))
            };

            assert_eq!(holds(&certificate, first), Ok(()));
            assert_eq!(holds(&certificate, last), Ok(()));
            let early = holds(&certificate, moved(first, -1))
                .unwrap_err()
                .to_string();
            let late = holds(&certificate, moved(last, 1)).unwrap_err().to_string();
            assert!(early.contains("not valid yet"), "{early}");
            assert!(late.contains("expired"), "{late}");
        }
    }

    #[test]
    fn given_a_certificate_that_is_cut_or_changed_when_asked_then_nothing_panics() {
        let certificate = certificate(2000, 2100);
        let now = at("2020-01-01T00:00:00Z");

        for cut in 0..60 {
            assert!(holds(&certificate[..cut], now).is_err(), "{cut}");
        }
        for place in 0..certificate.len() {
            for byte in [0, 0x7f, 0x80, 0x83, 0x84, 0xff] {
                let mut changed = certificate.clone();
                changed[place] = byte;
                let _ = holds(&changed, now);
            }
        }
    }
}
