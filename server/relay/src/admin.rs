//! What an operator asks of a relay: the same answers whether it is running (over its local socket) or stopped (from
//! its database).

use std::collections::BTreeMap;

use data_encoding::{BASE64, HEXLOWER};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sotay_feed::{DeviceId, Space, SpaceId, SpaceKind, UnitId};
use sotay_membership::State;
use sotay_store::{Bucket, Budget, Store, StoreError};
use sotay_sync::message::encode_space;
use sotay_sync::{CloseCode, Replica};
use tokio::sync::oneshot;

use crate::contacts::Contacts;
use crate::permissions::{Permissions, Served, Target};
use crate::quota::Shared;
use crate::shard::Shard;

/// Envelopes in one page of a backup, and their bytes.
const PAGE: Budget = Budget {
    count: 512,
    bytes: 512 * 1024,
};

/// A question, as it travels over the socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Ask {
    /// Every unit with its sizes and how far its devices are.
    Units,
    /// The devices of a unit with rank, state and last contact.
    Devices { unit: String },
    /// The spaces of one unit, or of all.
    Spaces { unit: Option<String> },
    /// What a device has used of its quota; `forgive` sets it to nothing.
    Quota { device: String, forgive: bool },
    /// The limits in force and whom is let in.
    Permissions,
    /// Turn a unit or device away from now on.
    Block { target: String },
    /// Serve a unit, or take a block away.
    Allow { target: String },
    /// A link that opens the operator's page once.
    Link,
    /// Look through everything for what may be dropped, and drop it unless `dry`.
    Prune { dry: bool },
    /// What a consistent backup holds: every space with its newest arrival, and the records beside.
    Cut,
    /// Arrivals of a space, for a backup: envelopes, and of what was dropped the chain.
    Page { space: String, after: u64, upto: u64 },
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdminError {
    #[error("{0} is neither a unit (64 hexadecimal digits) nor a device (16)")]
    Target(String),
    #[error("no such unit here")]
    Unit,
    #[error("no such space here")]
    Space,
    #[error("only a running relay knows that")]
    NotRunning,
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// An answer, as it travels.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reply {
    Ok(Value),
    Error(String),
}

/// A question on its way to the shard.
#[derive(Debug)]
pub(crate) struct Question {
    pub ask: Ask,
    pub reply: oneshot::Sender<Reply>,
}

/// A unit by its 64 digits or a device by its 16.
pub(crate) fn target(text: &str) -> Result<Target, AdminError> {
    text.parse()
        .map(Target::Unit)
        .or_else(|_| text.parse().map(Target::Device))
        .map_err(|_| AdminError::Target(text.to_owned()))
}

fn unit(text: &str) -> Result<UnitId, AdminError> {
    text.parse().map_err(|_| AdminError::Target(text.to_owned()))
}

/// What answers need.
pub(crate) struct Desk<'a, S> {
    pub replica: &'a mut Replica<S>,
    pub permissions: &'a mut Permissions,
    pub contacts: &'a Contacts,
    /// Of a running relay.
    pub quotas: Option<&'a Shared>,
    /// Milliseconds since 1970.
    pub now: i64,
}

impl<S: Store> Desk<'_, S> {
    /// Answers; what it writes is durable with the store's next commit.
    pub fn answer(&mut self, ask: &Ask) -> Result<Value, AdminError> {
        match ask {
            Ask::Units => self.units(),
            Ask::Devices { unit: text } => self.devices(unit(text)?),
            Ask::Spaces { unit: text } => self.spaces(text.as_deref().map(unit).transpose()?),
            Ask::Quota { device, forgive } => self.quota(device, *forgive),
            Ask::Permissions => Ok(self.permitted()),
            Ask::Block { target: text } => self.permit(target(text)?, false),
            Ask::Allow { target: text } => self.permit(target(text)?, true),
            // Dealt with elsewhere.
            Ask::Link | Ask::Prune { .. } => Err(AdminError::NotRunning),
            Ask::Cut => self.cut(),
            Ask::Page { space, after, upto } => self.page(space, *after, *upto),
        }
    }

    fn sizes(&self, space: &Space) -> Result<(u64, u64), StoreError> {
        let (store, id) = (self.replica.store(), space.id());
        Ok((store.head(&id)?.number, store.space_bytes(&id)?))
    }

    fn units(&self) -> Result<Value, AdminError> {
        let tallies = self.contacts.tallies(self.now);
        let policy = self.permissions.policy();
        let mut sums: BTreeMap<UnitId, (u64, u64, u64)> = BTreeMap::new();
        for space in self.replica.spaces() {
            let (number, size) = self.sizes(&space)?;
            let (spaces, envelopes, bytes) = sums.entry(space.unit).or_default();
            *spaces += 1;
            *envelopes += number;
            *bytes += size;
        }
        let dropped = crate::prune::dropped(self.replica.store())?;
        let mut units = Vec::new();
        for (unit, (spaces, envelopes, bytes)) in sums {
            let mut line = json!({
                "unit": unit.to_string(),
                "served": policy.serves(&unit),
                "spaces": spaces,
                "envelopes": envelopes,
                "bytes": bytes,
                "dropped": dropped.get(&unit).map_or(0, |dropped| dropped.envelopes),
                "dropped_bytes": dropped.get(&unit).map_or(0, |dropped| dropped.bytes),
            });
            let tally = json!(tallies.get(&unit).copied().unwrap_or_default());
            if let (Some(line), Value::Object(tally)) = (line.as_object_mut(), tally) {
                line.extend(tally);
            }
            units.push(line);
        }
        Ok(json!({ "units": units }))
    }

    fn devices(&mut self, unit: UnitId) -> Result<Value, AdminError> {
        if !self.replica.load_unit(unit)? {
            return Err(AdminError::Unit);
        }
        let membership = self.replica.membership(unit).ok_or(AdminError::Unit)?;
        let founders = membership
            .genesis()
            .into_iter()
            .flat_map(|genesis| &genesis.authorities);
        let mut ids: Vec<DeviceId> = founders
            .map(|authority| authority.keys.sign.device_id())
            .collect();
        ids.extend(membership.grants().map(|(_, _, grant, _)| grant.device()));
        ids.sort_unstable();
        ids.dedup();
        let devices: Vec<Value> = ids
            .into_iter()
            .map(|device| {
                let standing = membership.standing(device);
                let contact = self.contacts.of(device);
                json!({
                    "device": device.to_string(),
                    "rank": standing.map(|standing| standing.rank),
                    "state": standing.map(|standing| state_word(standing.state)),
                    "blocked": self.permissions.blocked_devices.contains(&device),
                    "seen": contact.map(|contact| contact.seen),
                    "whole": contact.map(|contact| contact.whole),
                })
            })
            .collect();
        Ok(json!({ "unit": unit.to_string(), "devices": devices }))
    }

    fn spaces(&self, unit: Option<UnitId>) -> Result<Value, AdminError> {
        let mut spaces = Vec::new();
        for space in self.replica.spaces() {
            if unit.is_some_and(|unit| unit != space.unit) {
                continue;
            }
            let (envelopes, bytes) = self.sizes(&space)?;
            spaces.push(json!({
                "unit": space.unit.to_string(),
                "kind": space_word(space.kind),
                "space": space.id().to_string(),
                "envelopes": envelopes,
                "bytes": bytes,
                "bytes_max": self.quotas.map(|quotas| quotas.with(|quotas| quotas.limits().space_bytes)),
            }));
        }
        Ok(json!({ "spaces": spaces }))
    }

    fn quota(&self, device: &str, forgive: bool) -> Result<Value, AdminError> {
        let Target::Device(device) = target(device)? else {
            return Err(AdminError::Target(device.to_owned()));
        };
        let quotas = self.quotas.ok_or(AdminError::NotRunning)?;
        let used = quotas.with(|quotas| {
            if forgive {
                quotas.forgive(device);
            }
            quotas.used(device, self.now)
        });
        Ok(json!({ "device": device.to_string(), "used": used }))
    }

    fn permitted(&self) -> Value {
        fn texts<T: ToString>(ids: &std::collections::BTreeSet<T>) -> Vec<String> {
            ids.iter().map(ToString::to_string).collect()
        }
        json!({
            "configured": self.permissions.served.as_ref().map_or(vec!["any".to_owned()], Served::texts),
            "allowed": texts(&self.permissions.allowed),
            "blocked_units": texts(&self.permissions.blocked_units),
            "blocked_devices": texts(&self.permissions.blocked_devices),
        })
    }

    fn permit(&mut self, target: Target, allow: bool) -> Result<Value, AdminError> {
        let store = self.replica.store_mut();
        if allow {
            self.permissions.allow(store, target)?;
        } else {
            self.permissions.block(store, target)?;
        }
        self.replica.set_policy(self.permissions.policy());
        Ok(self.permitted())
    }

    fn cut(&self) -> Result<Value, AdminError> {
        let store = self.replica.store();
        let mut spaces = Vec::new();
        for space in self.replica.spaces() {
            let head = store.head(&space.id())?;
            spaces.push(json!({
                "space": BASE64.encode(&encode_space(&space)),
                "head": head.number,
                "chain": HEXLOWER.encode(&head.chain),
            }));
        }
        let records = store.list(Bucket::Relay, &[])?;
        let records: Vec<[String; 2]> = records
            .iter()
            .map(|(key, value)| [BASE64.encode(key), BASE64.encode(value)])
            .collect();
        let forks: Vec<Value> = store
            .forks()?
            .iter()
            .map(|fork| json!({ "space": fork.space.to_string(), "other": BASE64.encode(&fork.other) }))
            .collect();
        Ok(json!({
            "database": HEXLOWER.encode(&store.database_id().0),
            "spaces": spaces,
            "records": records,
            "forks": forks,
        }))
    }

    fn page(&self, space: &str, after: u64, upto: u64) -> Result<Value, AdminError> {
        let id: SpaceId = space.parse().map_err(|_| AdminError::Space)?;
        let log = self.replica.store().log(&id, after, PAGE)?;
        let rows: Vec<Value> = log
            .rows
            .iter()
            .filter(|row| row.arrival.number <= upto)
            .map(|row| match &row.stored {
                Some(stored) => json!({ "envelope": BASE64.encode(&stored.bytes) }),
                None => json!({ "dropped": HEXLOWER.encode(&row.arrival.chain) }),
            })
            .collect();
        Ok(json!({ "before": log.before.map(|chain| HEXLOWER.encode(&chain)), "rows": rows }))
    }
}

impl<S: Store> Shard<S> {
    /// Answers the operator. What a question changes holds for open sessions at once.
    pub fn answer(&mut self, question: Question, now: i64) {
        let Question { ask, reply } = question;
        if let Ask::Prune { dry } = ask {
            // Answered when all is done, a piece at a time.
            return self.books.pruner.ask(dry, reply, now);
        }
        let mut desk = Desk {
            replica: &mut self.replica,
            permissions: &mut self.books.permissions,
            contacts: &self.books.contacts,
            quotas: Some(&self.books.quotas),
            now,
        };
        let mut answer = desk.answer(&ask).map_err(|error| error.to_string());
        if matches!(ask, Ask::Block { .. } | Ask::Allow { .. }) {
            // Told only once it is durable.
            if let (Ok(_), Err(error)) = (&answer, self.replica.flush()) {
                self.note_store(&error);
                answer = Err(error.to_string());
            }
            self.turn_away();
        }
        // Whoever asked may have gone.
        let _ = reply.send(match answer {
            Ok(value) => Reply::Ok(value),
            Err(error) => Reply::Error(error),
        });
    }

    /// Closes the sessions of whoever is blocked now.
    pub fn turn_away(&mut self) {
        let permissions = &self.books.permissions;
        let policy = permissions.policy();
        for (link, seat) in &mut self.seats {
            let device = permissions.blocked_devices.contains(&seat.peer.device_id());
            let unit = seat.spaces.iter().any(|space| !policy.serves(&space.unit));
            if device || unit {
                seat.session.close(CloseCode::Blocked, None);
                self.touched.insert(*link);
            }
        }
    }
}

fn state_word(state: State) -> &'static str {
    match state {
        State::Active => "active",
        State::Suspended => "suspended",
        State::Forked => "forked",
        State::Revoked => "revoked",
        State::NotGranted => "not-granted",
    }
}

/// A kind of space in one word.
pub(crate) fn space_word(kind: SpaceKind) -> &'static str {
    match kind {
        SpaceKind::Roll => "roll",
        SpaceKind::Main => "main",
        SpaceKind::Committee => "committee",
        SpaceKind::Inbox => "inbox",
        SpaceKind::Report => "report",
        SpaceKind::Private => "private",
        SpaceKind::Broadcast => "broadcast",
        SpaceKind::Guest => "guest",
    }
}
