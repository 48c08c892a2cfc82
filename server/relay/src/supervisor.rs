//! What the service manager is told, if it asks (`Type=notify` of systemd, sd_notify(3)): that phones are served, that the
//! relay stops. So `systemctl start` fails where the relay does not come up.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Phones are served.
pub(crate) const READY: &str = "READY=1";
/// Sessions are told to come back.
pub(crate) const STOPPING: &str = "STOPPING=1";

/// Tells it, if somebody wants to know.
pub(crate) fn tell(state: &str) {
    if let Some(socket) = std::env::var_os("NOTIFY_SOCKET")
        && let Err(error) = send(&socket, state)
    {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}

/// A path, or a name that begins with `@` and is in no file system.
fn send(socket: &OsStr, state: &str) -> io::Result<()> {
    let address = match socket.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(socket)?,
    };
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hears(listener: &UnixDatagram, state: &str) {
        let mut bytes = [0; 64];
        let len = listener.recv(&mut bytes).unwrap();
        assert_eq!(&bytes[..len], state.as_bytes());
    }

    #[test]
    fn it_is_told_by_a_path_and_by_a_name_in_no_file_system() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let listener = UnixDatagram::bind(&path).unwrap();
        send(path.as_os_str(), READY).unwrap();
        hears(&listener, READY);
        let name = format!("sotay-test-{}", std::process::id());
        let listener = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        send(OsStr::new(&format!("@{name}")), STOPPING).unwrap();
        hears(&listener, STOPPING);
    }

    #[test]
    fn nobody_at_the_address_is_an_error_and_no_more() {
        let dir = tempfile::tempdir().unwrap();
        assert!(send(dir.path().join("nobody").as_os_str(), READY).is_err());
    }
}
