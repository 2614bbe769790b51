//! Filters of sessions: read from JSON or a query, and shown again.

use innkeeper_api as api;
use innkeeper_domain::device::DeviceId;
use innkeeper_domain::filter::{BindingKind, SessionFilter, network};
use innkeeper_domain::name::{ClientId, GroupName, SubjectId};
use innkeeper_domain::session::SessionClass;

use super::{class, moment, optional, timestamp};
use crate::problem::{ProblemAnswer, invalid};

/// Reads a filter, or says which member below `at` is wrong and why.
pub fn read_filter(at: &str, filter: &api::SessionFilter) -> Result<SessionFilter, ProblemAnswer> {
    let field = |name: &str| format!("{at}{name}");
    let range = filter.ip.as_deref().map(|text| {
        network(text).ok_or_else(|| {
            let how = "expected an address, or a range like 203.0.113.0/24 with no bits beyond it";
            invalid(field("ip"), how)
        })
    });
    let device = filter.device.as_deref().map(|text| {
        DeviceId::parse(text).map_err(|_| invalid(field("device"), "expected an id, dev_…"))
    });
    let binding = filter.binding.map(|binding| match binding {
        api::BindingKind::None => BindingKind::None,
        api::BindingKind::DeviceCookie => BindingKind::DeviceCookie,
    });
    let (subject, client, group) = (&filter.subject, &filter.client, &filter.group);
    Ok(SessionFilter {
        subject: optional(&field("subject"), subject.as_deref(), SubjectId::parse)?,
        client: optional(&field("client"), client.as_deref(), ClientId::parse)?,
        class: filter.class.map(|class| match class {
            api::Class::Interactive => SessionClass::Interactive,
            api::Class::Machine => SessionClass::Machine,
            api::Class::Impersonation => SessionClass::Impersonation,
        }),
        group: optional(&field("group"), group.as_deref(), GroupName::parse)?,
        network: range.transpose()?,
        device: device.transpose()?,
        binding,
        created_before: filter.created_before.map(moment),
        idle_since: filter.idle_since.map(moment),
    })
}

/// A filter as JSON shows it.
#[must_use]
pub fn filter(filter: &SessionFilter) -> api::SessionFilter {
    api::SessionFilter {
        subject: filter.subject.as_ref().map(ToString::to_string),
        client: filter.client.as_ref().map(ToString::to_string),
        class: filter.class.map(class),
        group: filter.group.as_ref().map(ToString::to_string),
        ip: filter.network.map(|network| network.to_string()),
        device: filter.device.map(|device| device.to_string()),
        created_before: filter.created_before.map(timestamp),
        idle_since: filter.idle_since.map(timestamp),
        binding: filter.binding.map(|binding| match binding {
            BindingKind::None => api::BindingKind::None,
            BindingKind::DeviceCookie => api::BindingKind::DeviceCookie,
        }),
        all: filter.is_empty().then_some(true),
    }
}
