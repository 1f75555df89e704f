//! Sockets that systemd opened and passed on (`sd_listen_fds(3)`): they outlive this process, so that nobody who connects
//! during a restart is refused.

use std::io;

use gateway::Listener;
use listenfd::ListenFd;
use tokio::net::{TcpListener, UnixListener};

/// The sockets that were passed on, until each is taken.
pub struct Inherited {
    sockets: ListenFd,
    /// Their names, in the same order.
    names: Vec<String>,
}

impl std::fmt::Debug for Inherited {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Inherited").field(&self.names).finish()
    }
}

impl Inherited {
    /// What was passed to this process; `names` is the value of `LISTEN_FDNAMES`.
    pub fn from_environment(names: Option<&str>) -> Self {
        let sockets = ListenFd::from_env();
        let mut names: Vec<String> = names.unwrap_or_default().split(':').map(str::to_owned).collect();
        names.resize(sockets.len(), "unknown".to_owned());
        Self { sockets, names }
    }

    /// Takes the next socket of this name that was not taken yet.
    ///
    /// # Errors
    /// When it is no socket that clients connect to.
    pub fn take(&mut self, name: &str) -> io::Result<Option<Listener>> {
        for index in (0..self.names.len()).filter(|index| self.names[*index] == name) {
            if let Ok(Some(socket)) = self.sockets.take_unix_listener(index) {
                socket.set_nonblocking(true)?;
                return UnixListener::from_std(socket).map(|socket| Some(socket.into()));
            }
            if let Some(socket) = self.sockets.take_tcp_listener(index)? {
                socket.set_nonblocking(true)?;
                return TcpListener::from_std(socket).map(|socket| Some(socket.into()));
            }
        }
        Ok(None)
    }

    /// The names of all, for people.
    pub fn names(&self) -> String {
        if self.names.is_empty() { "none".to_owned() } else { self.names.join(", ") }
    }
}
