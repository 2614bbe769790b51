//! What befalls devices in a history: trust, its end, and tokens that come without them.

use innkeeper_domain::check::count_mismatch;
use innkeeper_domain::device::{Device, DeviceId, DeviceOrder, DeviceTrust, remove, trust};
use innkeeper_domain::session::{Binding, Initiator};
use proptest::sample::Index;

use crate::given::id;
use crate::history::World;

impl World {
    /// A device that is known, or one that never was.
    pub(crate) fn pick_device(&self, which: Index) -> Option<DeviceId> {
        let known: Vec<_> = self.roster.devices.iter().map(|device| device.id).collect();
        (!known.is_empty()).then(|| *which.get(&known))
    }

    pub(crate) fn trust(&mut self, which: Index, by: Option<Initiator>, delay: u64) {
        let Some(device) = self.pick_device(which) else {
            return;
        };
        self.commit(delay, |w| {
            let asked = by.map(|by| DeviceTrust { since: w.now, by });
            changes_of(trust(&w.roster, device, asked, w.now))
        });
        let device = self.roster.find_device(device).expect("it was picked");
        assert_eq!(device.trust.is_some(), by.is_some());
    }

    pub(crate) fn remove_device(&mut self, which: Index, delay: u64) {
        let Some(device) = self.pick_device(which) else {
            return;
        };
        self.commit(delay, |w| {
            changes_of(remove(&w.roster, device, Initiator::User, w.now))
        });
        assert!(self.roster.find_device(device).is_none());
        let is_on = |s: &&_| innkeeper_domain::session::Session::device_id(s) == Some(device);
        let on_it = self.roster.live(self.now).find(|s| is_on(&&***s));
        assert!(on_it.is_none(), "its sessions end with it");
    }

    /// The token of a session comes so often without its device.
    pub(crate) fn mismatch(&mut self, which: Index, times: u8) {
        let Some(number) = self.pick(which) else {
            return;
        };
        for _ in 0..times {
            self.commit(0, |w| {
                let session = w.roster.find(id(number))?;
                let is_bound = session.binding != Binding::None && w.roster.is_live(session, w.now);
                is_bound.then(|| count_mismatch(&w.roster, session, w.now))
            });
        }
    }

    /// Devices stay bounded, and whoever came too often without one is out.
    pub(crate) fn keeps_devices_in_bounds(&self) {
        assert!(self.roster.devices.len() <= Device::MAX);
        for session in self.roster.live(self.now) {
            if let Binding::DeviceCookie(bound) = &session.binding {
                assert!(bound.mismatches < Binding::MISMATCHES_MAX);
            }
        }
    }
}

fn changes_of(order: DeviceOrder) -> Option<Vec<innkeeper_domain::change::Change>> {
    match order {
        DeviceOrder::Do(changes) => Some(changes),
        DeviceOrder::Done => None,
        DeviceOrder::Absent => panic!("it was picked from those that are known"),
    }
}
