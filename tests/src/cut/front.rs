//! A proxy before a process: its callers reach it here, each by the line between the two.

use std::{io, net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

use super::{Lines, Switch, owner};

/// How much is read at once.
const CHUNK: usize = 64 * 1024;

/// Who may call: the names and numbers of the processes there are at the moment.
pub type Callers = Arc<dyn Fn() -> Vec<(String, u32)> + Send + Sync>;

/// A proxy before a process. Closed when it is dropped, and all its connections with it.
#[derive(Debug)]
pub struct Front {
    /// Where it listens.
    pub address: SocketAddr,
    behind: watch::Sender<Option<SocketAddr>>,
    task: JoinHandle<()>,
}

impl Front {
    /// Listens for callers of the place with this name. Who calls is asked of the system, a connection at a time.
    pub async fn open(
        name: &str,
        listen: SocketAddr,
        behind: Option<SocketAddr>,
        lines: &Arc<Lines>,
        callers: &Callers,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let (behind, target) = watch::channel(behind);
        let place = Place { name: name.to_owned(), address, lines: lines.clone(), callers: callers.clone() };
        let task = tokio::spawn(place.serve(listener, target));
        Ok(Self { address, behind, task })
    }

    /// New connections go here from now on; nowhere, if nothing is there.
    pub fn turn_to(&self, behind: Option<SocketAddr>) {
        self.behind.send_replace(behind);
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Place {
    name: String,
    address: SocketAddr,
    lines: Arc<Lines>,
    callers: Callers,
}

impl Place {
    async fn serve(self, listener: TcpListener, behind: watch::Receiver<Option<SocketAddr>>) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    // Out of files, for a moment: the caller sees a network that is away.
                    let Ok((caller, from)) = accepted else { continue };
                    let Some(target) = *behind.borrow() else { continue };
                    let who = owner::of(from, self.address, &(self.callers)());
                    let line = self.lines.between(who.as_deref().unwrap_or("others"), &self.name);
                    connections.spawn(connect(caller, target, line));
                }
                Some(_) = connections.join_next() => {}
            }
        }
    }
}

/// Carries one connection until an end closes it or the line is cut.
async fn connect(caller: TcpStream, target: SocketAddr, mut line: watch::Receiver<Switch>) {
    let both = both_ways(caller, target, line.clone());
    tokio::select! {
        _ = both => {}
        // The sender lives as long as the lines do.
        _ = line.wait_for(|switch| *switch == Switch::Cut) => {}
    }
}

async fn both_ways(
    mut caller: TcpStream,
    target: SocketAddr,
    mut line: watch::Receiver<Switch>,
) -> io::Result<()> {
    passes(&mut line).await;
    let mut called = TcpStream::connect(target).await?;
    caller.set_nodelay(true)?;
    called.set_nodelay(true)?;
    let ((asks, hears), (answers, is_asked)) = (caller.split(), called.split());
    tokio::try_join!(one_way(asks, is_asked, line.clone()), one_way(answers, hears, line)).map(drop)
}

async fn one_way(
    mut from: impl tokio::io::AsyncRead + Unpin,
    mut to: impl tokio::io::AsyncWrite + Unpin,
    mut line: watch::Receiver<Switch>,
) -> io::Result<()> {
    let mut bytes = vec![0; CHUNK];
    loop {
        let read = from.read(&mut bytes).await?;
        passes(&mut line).await;
        if read == 0 {
            return to.shutdown().await;
        }
        to.write_all(&bytes[..read]).await?;
    }
}

/// Waits for as long as the switch says.
async fn passes(line: &mut watch::Receiver<Switch>) {
    let now = line.wait_for(|switch| *switch != Switch::Held).await.map(|switch| *switch);
    if let Ok(Switch::Slow(time)) = now {
        tokio::time::sleep(time).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::patience::until;

    /// Answers every byte with itself.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = stream.split();
                    tokio::io::copy(&mut read, &mut write).await
                });
            }
        });
        address
    }

    async fn front(lines: &Arc<Lines>) -> Front {
        let callers: Callers = Arc::new(|| vec![("here".to_owned(), std::process::id())]);
        Front::open("there", ([127, 0, 0, 1], 0).into(), Some(echo().await), lines, &callers).await.unwrap()
    }

    async fn ask(stream: &mut TcpStream) -> io::Result<u8> {
        stream.write_all(&[7]).await?;
        stream.read_u8().await
    }

    #[tokio::test]
    async fn what_is_held_comes_later_and_what_is_cut_never() {
        let lines = Arc::new(Lines::default());
        let front = front(&lines).await;
        let mut stream = TcpStream::connect(front.address).await.unwrap();
        assert_eq!(ask(&mut stream).await.unwrap(), 7);

        lines.put("there", "here", Switch::Held);
        let answer = tokio::spawn(async move { (ask(&mut stream).await, stream) });
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(!answer.is_finished(), "it is held");
        lines.mend();
        let (answer, mut stream) = answer.await.unwrap();
        assert_eq!(answer.unwrap(), 7);

        lines.put("here", "there", Switch::Cut);
        until("the connection ends", async || ask(&mut stream).await.err()).await;
        lines.put("elsewhere", "there", Switch::Through);
        let mut refused = TcpStream::connect(front.address).await.unwrap();
        assert!(ask(&mut refused).await.is_err(), "and no other is made");
        lines.mend();
        let mut stream = TcpStream::connect(front.address).await.unwrap();
        assert_eq!(ask(&mut stream).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_front_turns_to_another() {
        let lines = Arc::new(Lines::default());
        let front = front(&lines).await;
        front.turn_to(None);
        let mut stream = TcpStream::connect(front.address).await.unwrap();
        assert!(ask(&mut stream).await.is_err());
        front.turn_to(Some(echo().await));
        let mut stream = TcpStream::connect(front.address).await.unwrap();
        assert_eq!(ask(&mut stream).await.unwrap(), 7);
    }
}
