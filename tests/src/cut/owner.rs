//! Whose end of a connection it is, by the system's own tables (proc(5)): so that one front tells its callers apart.

use std::{fs, net::SocketAddr, path::Path};

/// The column of `/proc/net/tcp` that holds a socket's number.
const INODE: usize = 9;

/// Which of these processes has the connection from `dialer` to `front`; the first of their names.
pub(super) fn of(dialer: SocketAddr, front: SocketAddr, processes: &[(String, u32)]) -> Option<String> {
    let link = format!("socket:[{}]", socket(dialer, front)?);
    let owner = processes.iter().find(|(_, process)| holds(*process, &link));
    owner.map(|(name, _)| name.clone())
}

/// The number of the socket between these addresses, both IPv4.
fn socket(local: SocketAddr, remote: SocketAddr) -> Option<String> {
    let (local, remote) = (written(local)?, written(remote)?);
    let table = fs::read_to_string("/proc/net/tcp").ok()?;
    let mut rows = table.lines().map(|row| row.split_whitespace().collect::<Vec<_>>());
    let row = rows.find(|row| row.get(1) == Some(&local.as_str()) && row.get(2) == Some(&remote.as_str()))?;
    row.get(INODE).map(|&inode| inode.to_owned())
}

/// An address as the table has it: the bytes of the IPv4 address as one number of this machine, and the port.
fn written(address: SocketAddr) -> Option<String> {
    match address {
        SocketAddr::V4(v4) => Some(format!("{:08X}:{:04X}", u32::from_ne_bytes(v4.ip().octets()), v4.port())),
        SocketAddr::V6(_) => None,
    }
}

fn holds(process: u32, link: &str) -> bool {
    let files = fs::read_dir(format!("/proc/{process}/fd"));
    files
        .into_iter()
        .flatten()
        .flatten()
        .any(|file| fs::read_link(file.path()).is_ok_and(|target| target.as_path() == Path::new(link)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_of_this_process_is_found() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let front = listener.local_addr().unwrap();
        let dialer = tokio::net::TcpStream::connect(front).await.unwrap();
        let (_, from) = listener.accept().await.unwrap();
        let processes = [("another".to_owned(), 1), ("this".to_owned(), std::process::id())];
        assert_eq!(of(from, front, &processes).as_deref(), Some("this"));
        drop(dialer);
        assert_eq!(of(front, front, &processes), None, "there is no such connection");
    }
}
