//! The listening socket: TCP or Unix.

use crate::egress::{EgressError, Listen, Peers};
use rustix::fs::{Mode, OFlags};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixSocket, UnixStream};

/// How many connections may wait to be taken.
const BACKLOG: u32 = 1024;
/// A Unix socket's address holds 107 bytes; a path that may be longer is named by way of its open folder.
const LONGEST_ADDRESS: usize = 100;

/// A bound socket.
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A guest's connection.
pub(crate) enum Accepted {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Accepted {
    /// Whether it may be served. Who is not there any more to be asked about may not.
    pub(crate) fn may_come_from(&self, peers: Peers) -> bool {
        match (self, peers) {
            (Self::Tcp(_), _) | (Self::Unix(_), Peers::Anyone) => true,
            (Self::Unix(unix), Peers::Guests) => {
                unix.peer_cred().ok().and_then(|peer| peer.pid()).is_some_and(is_in_another_namespace)
            }
        }
    }
}

/// Whether a process has a number of its own in a namespace below the one whose numbers we see (`proc(5)`, `NSpid`).
fn is_in_another_namespace(pid: i32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    numbers.is_some_and(|numbers| numbers.split_whitespace().count() > 1)
}

impl Listener {
    /// Binds, and tells where: a port 0 has become a real one.
    pub(crate) async fn bind(listen: Listen) -> Result<(Self, Listen), EgressError> {
        match listen {
            Listen::Tcp(address) => {
                let failed = |source| EgressError::Listen { on: address.to_string(), source };
                let listener = TcpListener::bind(address).await.map_err(failed)?;
                let address = listener.local_addr().map_err(failed)?;
                Ok((Self::Tcp(listener), Listen::Tcp(address)))
            }
            Listen::Unix(path) => match bind_unix(&path).await {
                Ok(listener) => Ok((Self::Unix(listener), Listen::Unix(path))),
                Err(source) => Err(EgressError::Listen { on: path.display().to_string(), source }),
            },
        }
    }

    pub(crate) async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Tcp(listener) => {
                let (tcp, _) = listener.accept().await?;
                let _ = tcp.set_nodelay(true);
                Ok(Accepted::Tcp(tcp))
            }
            Self::Unix(listener) => Ok(Accepted::Unix(listener.accept().await?.0)),
        }
    }
}

/// A socket that its owner alone may connect to, from its first moment.
async fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    if let (true, Some(folder), Some(name)) =
        (path.as_os_str().len() > LONGEST_ADDRESS, path.parent(), path.file_name())
    {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(folder, flags, Mode::empty())?;
        return bind_at(&Path::new(&format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name)).await;
    }
    bind_at(path).await
}

async fn bind_at(path: &Path) -> io::Result<UnixListener> {
    // A socket that nobody listens on was left behind by a run that ended badly.
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_socket());
    let refused = |e: io::Error| e.kind() == io::ErrorKind::ConnectionRefused;
    if is_socket && UnixStream::connect(path).await.is_err_and(refused) {
        std::fs::remove_file(path)?;
    }
    let socket = UnixSocket::new_stream()?;
    // Linux gives the file the mode that the socket has while it is bound.
    rustix::fs::fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
    socket.bind(path)?;
    rustix::fs::chmod(path, Mode::RUSR | Mode::WUSR)?;
    socket.listen(BACKLOG)
}
