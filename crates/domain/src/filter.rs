//! Which sessions are meant: the filter of search and of bulk revocation.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::device::DeviceId;
use crate::name::{ClientId, GroupName, SubjectId};
use crate::roster::Roster;
use crate::session::{Binding, Session, SessionClass, Timestamp};

/// What must be true of a session for it to be meant. All that is named must be; a filter that
/// names nothing means every session.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SessionFilter {
    /// It is this subject's.
    pub subject: Option<SubjectId>,
    /// It was opened for this application.
    pub client: Option<ClientId>,
    /// It is of this class.
    pub class: Option<SessionClass>,
    /// Its subject is in this group.
    pub group: Option<GroupName>,
    /// It was opened from one of these addresses. One that gave no address is not meant.
    pub network: Option<IpNet>,
    /// It was opened on this device.
    pub device: Option<DeviceId>,
    /// Its token is tied to its holder like this.
    pub binding: Option<BindingKind>,
    /// It was opened before this moment.
    pub created_before: Option<Timestamp>,
    /// Nothing was heard from it after this moment.
    pub idle_since: Option<Timestamp>,
}

/// What ties a token to its holder, whatever the tie is made of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BindingKind {
    /// Nothing.
    None,
    /// A device token.
    DeviceCookie,
}

impl BindingKind {
    /// What ties the token of a session like this.
    #[must_use]
    pub const fn of(binding: &Binding) -> Self {
        match binding {
            Binding::None => Self::None,
            Binding::DeviceCookie(_) => Self::DeviceCookie,
        }
    }
}

impl SessionFilter {
    /// Whether it names nothing, and so means every session.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether any session of that roster can be meant.
    #[must_use]
    pub fn may_match(&self, roster: &Roster) -> bool {
        let is = |subject: &SubjectId| roster.subject == *subject;
        self.subject.as_ref().is_none_or(is)
            && self
                .group
                .as_ref()
                .is_none_or(|g| roster.groups.contains(g))
    }

    /// Whether that session of that roster is meant.
    #[must_use]
    pub fn matches(&self, roster: &Roster, session: &Session) -> bool {
        self.may_match(roster)
            && self
                .client
                .as_ref()
                .is_none_or(|c| session.client.as_ref() == Some(c))
            && self.class.is_none_or(|class| session.class == class)
            && self.network.is_none_or(|network| {
                let ip = session.origin.ip;
                ip.is_some_and(|ip| network.contains(&ip.to_canonical()))
            })
            && self.device.is_none_or(|d| session.device_id() == Some(d))
            && self
                .binding
                .is_none_or(|kind| BindingKind::of(&session.binding) == kind)
            && self.created_before.is_none_or(|at| session.created_at < at)
            && self
                .idle_since
                .is_none_or(|at| session.last_seen.get() <= at)
    }

    /// The sessions that are meant and live at `now`, in order of birth.
    pub fn live<'a>(
        &'a self,
        roster: &'a Roster,
        now: Timestamp,
    ) -> impl Iterator<Item = &'a std::sync::Arc<Session>> {
        let roster = self.may_match(roster).then_some(roster);
        roster
            .into_iter()
            .flat_map(move |r| r.live(now).filter(move |s| self.matches(r, s)))
    }
}

/// Reads an address, or a range of them in the notation of RFC 4632 and RFC 4291.
///
/// One IPv4 address written as IPv6 is the IPv4 address, and a range of such ones the range.
/// `None` for anything else; also for a range whose address has bits beyond its length, since one
/// of the two is a mistake.
#[must_use]
pub fn network(text: &str) -> Option<IpNet> {
    /// The longest there is: eight groups, or a mapped address, and a length.
    const LONGEST: usize = 49;
    if text.len() > LONGEST {
        return None;
    }
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(ip.to_canonical().into());
    }
    let range: IpNet = text.parse().ok()?;
    if range.addr() != range.network() {
        return None;
    }
    let mapped = match range {
        IpNet::V6(v6) if v6.prefix_len() >= 96 => v6.addr().to_ipv4_mapped(),
        IpNet::V6(_) | IpNet::V4(_) => None,
    };
    match mapped {
        Some(v4) => IpNet::new(v4.into(), range.prefix_len() - 96).ok(),
        None => Some(range),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, device_id, groups, id, roster, session};

    type Spoil = fn(&mut SessionFilter);

    fn filter(name: Spoil) -> SessionFilter {
        let mut filter = SessionFilter::default();
        name(&mut filter);
        filter
    }

    #[test]
    fn given_one_fact_when_it_is_named_then_only_a_session_of_which_it_is_true_is_meant() {
        let mut held = roster([session(1).on(1), session(2).on(2).seen_at(50)]);
        held.groups = groups(&["staff"]);
        let session = std::sync::Arc::make_mut(&mut held.sessions[0]);
        session.client = Some(ClientId::parse("web").unwrap());
        session.class = SessionClass::Machine;
        session.origin.ip = Some("::ffff:203.0.113.7".parse().unwrap());
        session.created_at = at(10);
        let owner = held.subject.clone();
        let cases: [(Spoil, bool, bool); 17] = [
            (|f| f.binding = Some(BindingKind::None), true, true),
            (
                |f| f.binding = Some(BindingKind::DeviceCookie),
                false,
                false,
            ),
            (|_| {}, true, true),
            (|f| f.device = Some(device_id(1)), true, false),
            (|f| f.device = Some(device_id(9)), false, false),
            (|f| f.client = ClientId::parse("web").ok(), true, false),
            (|f| f.client = ClientId::parse("tv").ok(), false, false),
            (|f| f.class = Some(SessionClass::Machine), true, false),
            (|f| f.class = Some(SessionClass::Interactive), false, true),
            (|f| f.group = GroupName::parse("staff").ok(), true, true),
            (|f| f.group = GroupName::parse("guests").ok(), false, false),
            (|f| f.network = network("203.0.113.0/24"), true, false),
            (|f| f.network = network("::ffff:203.0.113.7"), true, false),
            (|f| f.network = network("203.0.113.8"), false, false),
            (|f| f.created_before = Some(at(10)), false, true),
            (|f| f.created_before = Some(at(11)), true, true),
            (|f| f.idle_since = Some(at(49)), true, false),
        ];
        for (place, (name, first, second)) in cases.into_iter().enumerate() {
            let filter = filter(name);
            let live: Vec<_> = filter.live(&held, at(60)).map(|s| s.id).collect();
            let expected = [(first, id(1)), (second, id(2))];
            let expected = expected.into_iter().filter(|(is, _)| *is);
            assert_eq!(
                live,
                expected.map(|(_, id)| id).collect::<Vec<_>>(),
                "{place}"
            );
        }
        let of = |name: &str| SessionFilter {
            subject: SubjectId::parse(name).ok(),
            ..SessionFilter::default()
        };
        assert_eq!(of(owner.as_str()).live(&held, at(60)).count(), 2);
        assert_eq!(of("nobody").live(&held, at(60)).count(), 0);
    }

    #[test]
    fn given_several_facts_when_named_then_all_of_them_must_be_true() {
        let mut held = roster([session(1)]);
        std::sync::Arc::make_mut(&mut held.sessions[0]).client = ClientId::parse("web").ok();
        let both = SessionFilter {
            client: ClientId::parse("web").ok(),
            class: Some(SessionClass::Machine),
            ..SessionFilter::default()
        };

        assert_eq!(both.live(&held, at(5)).count(), 0);
        assert!(SessionFilter::default().is_empty() && !both.is_empty());
    }

    #[test]
    fn given_a_session_that_is_dead_when_it_would_match_then_it_is_not_meant() {
        let held = roster([session(1).idle_after(10)]);
        let all = SessionFilter::default();

        assert_eq!(all.live(&held, at(9)).count(), 1);
        assert_eq!(all.live(&held, at(10)).count(), 0);
    }

    #[test]
    fn given_text_that_is_no_address_or_range_when_read_then_it_is_refused() {
        let long = "1".repeat(1_000_000);
        for text in [
            "",
            "1.2.3",
            "1.2.3.4/33",
            "1.2.3.4/24",
            "::1/129",
            "2001:db8::1/32",
            "a/b",
            "1.2.3.4 ",
            "1.2.3.4/",
            "/8",
            &long,
        ] {
            assert_eq!(network(text), None, "{}", &text[..text.len().min(20)]);
        }
        assert_eq!(network("10.0.0.0/8").unwrap().to_string(), "10.0.0.0/8");
        assert_eq!(network("::ffff:10.0.0.0/104"), network("10.0.0.0/8"));
        assert_eq!(network("0.0.0.0/0").unwrap().prefix_len(), 0);
        let longest = "0000:0000:0000:0000:0000:ffff:255.255.255.255/128";
        assert_eq!(network(longest), network("255.255.255.255"));
    }
}
