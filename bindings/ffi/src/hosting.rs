//! Phones that serve phones: in the hall, without a relay and without the internet.

use std::net::SocketAddr;

use sotay_engine::{Engine, Hosted, VisitorLine};

use crate::call::tell;
use crate::error::{HandbookError, OrFault, guarded, parse};
use crate::sync::{SpaceStatus, Sync, spaces};

/// Where a phone hosts.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct HostView {
    /// What other phones connect to (`host:port#key`), likeliest first: to be shown as a QR code, or read out. Empty when this
    /// phone is in no local network.
    pub addresses: Vec<String>,
    /// The port that is listened on, over UDP and TCP.
    pub port: u16,
}

/// A phone that is connected to this one, which hosts.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct VisitorView {
    /// The phone.
    pub device: String,
    /// Its label, or the beginning of its id.
    pub label: String,
    /// Its holder; none for a phone that is not known to be the unit's.
    pub member: Option<String>,
    /// The holder's name, if known here.
    pub name: Option<String>,
    /// How far it is in each part of the handbook that it may read, as far as it said.
    pub spaces: Vec<SpaceStatus>,
    /// Whether it has everything of these parts that this phone has.
    pub complete: bool,
}

fn host_view(hosted: &Hosted) -> HostView {
    HostView {
        addresses: hosted.addresses.iter().map(ToString::to_string).collect(),
        port: hosted.listen.port(),
    }
}

fn visitor_view(line: &VisitorLine) -> VisitorView {
    VisitorView {
        device: line.device.to_string(),
        label: line.label.clone(),
        member: line.member.map(|member| member.to_string()),
        name: line.name.clone(),
        spaces: spaces(&line.spaces),
        complete: line.complete,
    }
}

fn hosted(engine: &Engine) -> Option<HostView> {
    engine.hosted().as_ref().map(host_view)
}

#[uniffi::export]
impl Sync {
    /// Lets other phones of the unit connect to this one: they get what they may read of what is here, hand over what they
    /// have, and what one of them brings goes to all others at once. `listen` is an address of this phone with a port, 0 for
    /// any (`0.0.0.0:0`). It pauses while the app is suspended. A phone that hosts already goes on as it does.
    pub fn host(&self, listen: String) -> Result<HostView, HandbookError> {
        let listen: SocketAddr = parse(&listen, "listen")?;
        guarded(|| self.engine.host(listen).or_fault()).map(|hosted| host_view(&hosted))
    }

    /// Where this phone hosts, with the addresses that it has now; none while it does not.
    pub fn hosted(&self) -> Result<Option<HostView>, HandbookError> {
        guarded(|| Ok(hosted(&self.engine)))
    }

    /// Ends what `host` began; the phones that are connected are told.
    pub fn stop_hosting(&self) -> Result<(), HandbookError> {
        guarded(|| {
            self.engine.stop_hosting();
            Ok(())
        })
    }

    /// The phones that are connected to this one, by label, and how far each is.
    pub fn visitors(&self) -> Result<Vec<VisitorView>, HandbookError> {
        let all = tell(&self.engine, |device, _| device.visitors())?;
        Ok(all.iter().map(visitor_view).collect())
    }

    /// [`Sync::follow`] for a phone that hosts, whatever the platform says of the internet: the hall has none. [`Sync::unfollow`]
    /// ends it.
    pub fn follow_host(&self, address: String) -> Result<(), HandbookError> {
        guarded(|| self.engine.follow_host(&address).or_fault())
    }
}
