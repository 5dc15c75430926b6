//! The data folder's socket: how commands on this machine reach the server that has the ledger.
//!
//! A socket in the folder and not an address: it is found without a config, and its file permissions say who may
//! do everything, as they do for the ledger beside it. Without it the server works as well, and commands need
//! `--server`; so what keeps it from being there is told and stops nothing.

use std::fs;
use std::io::{Error, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use weir_web::Handlers;

/// The socket's name in the data folder.
const SOCKET_FILE: &str = "weir.sock";

/// The longest path of a socket that Linux allows, in bytes: `sun_path` has 108 with the zero at its end.
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// The socket while it is served.
pub struct Socket {
    path: PathBuf,
    task: JoinHandle<()>,
}

/// Where the socket of a data folder is.
pub fn socket_path(data_dir: &Path) -> PathBuf {
    data_dir.join(SOCKET_FILE)
}

impl Socket {
    /// Serves on the folder's socket until `stop`; nothing where that cannot be. Who calls this has the ledger's
    /// lock, so a socket that is there already is one that nobody serves any more.
    pub fn start(data_dir: &Path, handlers: Handlers, stop: watch::Receiver<bool>) -> Option<Self> {
        let path = socket_path(data_dir);
        match bind(&path) {
            Ok(listener) => {
                let mut stopped = stop;
                let task = tokio::spawn(weir_web::serve_socket(listener, handlers, async move {
                    let _ = stopped.wait_for(|stop| *stop).await;
                }));
                Some(Self { path, task })
            }
            Err(error) => {
                let socket = path.display();
                tracing::warn!(
                    %socket,
                    %error,
                    "no socket in the data folder; commands need --server to reach this one"
                );
                None
            }
        }
    }

    /// Completes when all requests under way were answered.
    pub async fn ended(&mut self) {
        if (&mut self.task).await.is_err() {
            tracing::error!("the socket of the data folder ended badly");
        }
    }

    /// Ends it at once.
    pub fn abort(&self) {
        self.task.abort();
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // One that is left behind is removed at the next start.
        let _ = fs::remove_file(&self.path);
    }
}

fn bind(path: &Path) -> std::io::Result<UnixListener> {
    if path.as_os_str().len() > SOCKET_PATH_BYTES_MAX {
        let text = format!("its path has more than {SOCKET_PATH_BYTES_MAX} bytes; set a shorter data_dir");
        return Err(Error::new(ErrorKind::InvalidInput, text));
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    // A folder that the program made is closed to others anyway; one that it found may not be.
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}
