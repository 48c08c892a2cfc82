//! The phones that are connected to this one, when it hosts: whom there is a place for, and how far each is (decision 0186).

use std::collections::BTreeMap;

use sotay_feed::{DeviceId, InOrder, MemberId, SignKey};
use sotay_store::Store;
use sotay_sync::{CloseCode, CloseReason, SyncStatus};

use super::{Device, SpaceStatus};
use crate::error::DeviceError;

/// Connections of other phones that a phone which hosts has at once: those of a branch, and some to spare.
pub const VISITORS_MAX: usize = 64;
/// Of these, connections of phones that are not known to be the unit's: who was just admitted and brings its own grant is
/// one, and so is anybody in the same network.
pub const STRANGERS_MAX: usize = 8;
/// Connections of one phone at once.
pub const VISITS_EACH_MAX: usize = 4;

/// What a phone is told for which there is no place; it comes back by itself.
pub(super) const FULL: CloseReason = CloseReason {
    code: CloseCode::Busy,
    retry_after: Some(30),
};

/// A phone that is connected to this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisitorLine {
    /// The phone.
    pub device: DeviceId,
    /// Its label, or the beginning of its id.
    pub label: String,
    /// Its holder; `None` for a phone that is not known to be the unit's.
    pub member: Option<MemberId>,
    /// The holder's name, if known here.
    pub name: Option<String>,
    /// How far it is in each space that it may read and this phone has, as far as it said.
    pub spaces: Vec<SpaceStatus>,
    /// Whether it has everything of these spaces that this phone has.
    pub complete: bool,
}

impl<S: Store> Device<S> {
    /// Whether a key is that of a phone that was ever admitted to this unit.
    pub fn is_phone(&self, key: &SignKey) -> bool {
        self.membership()
            .is_ok_and(|membership| membership.standing(key.device_id()).is_some())
    }

    pub(super) fn is_full_for(&self, phone: &SignKey) -> bool {
        let hosted = &self.links.hosted;
        let strangers = || hosted.values().filter(|key| !self.is_phone(key)).count();
        hosted.len() >= VISITORS_MAX
            || hosted.values().filter(|key| *key == phone).count() >= VISITS_EACH_MAX
            || !self.is_phone(phone) && strangers() >= STRANGERS_MAX
    }

    /// The phones that are connected to this one, which hosts, by label.
    pub fn visitors(&self) -> Result<Vec<VisitorLine>, DeviceError> {
        let membership = self.membership()?;
        let spaces = self.spaces()?;
        let mut lines: BTreeMap<DeviceId, VisitorLine> = BTreeMap::new();
        // Of a phone that connects anew while the old connection lingers, the later one counts.
        for (link, key) in &self.links.hosted {
            let device = key.device_id();
            let mut known = Vec::new();
            for space in &spaces {
                if membership.may_read(device, space).is_ok() {
                    let status = self.visitor_status(*link, space)?;
                    known.push(SpaceStatus {
                        space: *space,
                        status,
                    });
                }
            }
            let member = membership.standing(device).and_then(|standing| standing.member);
            let synced = |one: &SpaceStatus| matches!(one.status, SyncStatus::Synced { .. });
            let line = VisitorLine {
                device,
                label: self.device_label(device),
                member,
                name: member.and_then(|member| self.member_name(member)),
                complete: !known.is_empty() && known.iter().all(synced),
                spaces: known,
            };
            lines.insert(device, line);
        }
        let mut lines: Vec<VisitorLine> = lines.into_values().collect();
        lines.in_order_by_key(|line| (line.label.clone(), line.device));
        Ok(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::tests::{NOW, branch, device, join};
    use crate::device::{LinkId, LinkOutput};
    use crate::event::Event;
    use sotay_store::MemoryStore;

    /// A phone that hosts, and takes connections one after the other.
    struct Host {
        device: Device<MemoryStore>,
        links: u64,
    }

    impl Host {
        /// Whether there was a place.
        fn lets_in(&mut self, phone: &Device<MemoryStore>) -> bool {
            self.links += 1;
            let link = LinkId(self.links);
            self.device
                .link_accept(link, phone.keys().public().sign, NOW)
                .unwrap();
            let turned_away = match self.device.next_output(link) {
                Some(LinkOutput::Close(reason)) => {
                    assert_eq!(reason, FULL);
                    assert_eq!(self.device.next_output(link), None);
                    self.device.link_down(link).unwrap();
                    true
                }
                _ => false,
            };
            !turned_away
        }
    }

    fn host() -> Host {
        Host {
            device: branch(1),
            links: 0,
        }
    }

    #[test]
    fn one_stranger_over_the_limit_is_turned_away_and_a_phone_of_the_unit_is_not() {
        let mut host = host();
        let member = join(&mut host.device, 2, "P1", 4);
        for stranger in 0..STRANGERS_MAX as u64 {
            assert!(host.lets_in(&device(10 + stranger, "?")));
        }
        assert!(!host.lets_in(&device(9, "?")));
        assert!(host.lets_in(&member));
        assert_eq!(host.device.visitors().unwrap().len(), STRANGERS_MAX + 1);
        host.device.link_down(LinkId(1)).unwrap();
        assert!(host.lets_in(&device(9, "?")), "a place became free");
    }

    #[test]
    fn one_visit_of_one_phone_over_the_limit_is_turned_away_and_it_is_listed_once() {
        let mut host = host();
        let member = join(&mut host.device, 2, "P1", 4);
        for _ in 0..VISITS_EACH_MAX {
            assert!(host.lets_in(&member));
        }
        assert!(!host.lets_in(&member));
        let visitors = host.device.visitors().unwrap();
        assert_eq!(visitors.len(), 1);
        let line = &visitors[0];
        assert_eq!((line.device, line.label.as_str()), (member.id(), "P1"));
        assert_eq!(line.member, Some(member.member().unwrap()));
        assert!(
            !line.complete && !line.spaces.is_empty(),
            "it has said nothing yet"
        );
    }

    #[test]
    fn one_visitor_over_the_limit_is_turned_away() {
        let mut host = host();
        let phones = VISITORS_MAX / VISITS_EACH_MAX + 1;
        let members: Vec<_> = (0..phones as u64)
            .map(|at| join(&mut host.device, 20 + at, "P", 4))
            .collect();
        for visit in 0..VISITORS_MAX {
            assert!(host.lets_in(&members[visit / VISITS_EACH_MAX]));
        }
        assert!(!host.lets_in(members.last().unwrap()));
    }

    #[test]
    fn who_comes_and_who_goes_is_told() {
        let mut host = host();
        let member = join(&mut host.device, 2, "P1", 4);
        let told = |host: &mut Host| {
            std::iter::from_fn(|| host.device.next_event())
                .filter(|event| *event == Event::Visitors)
                .count()
        };
        told(&mut host);
        assert!(host.lets_in(&member));
        assert_eq!(told(&mut host), 1);
        host.device.link_down(LinkId(1)).unwrap();
        assert_eq!(told(&mut host), 1);
        assert!(host.device.visitors().unwrap().is_empty());
    }
}
