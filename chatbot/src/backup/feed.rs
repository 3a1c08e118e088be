//! A pipe between a task that has bytes and a thread that reads them. A reader that is not told of the end fails: a dump that was cut
//! off must not look like a short one.

use std::io::{self, Read};

use bytes::{Buf, Bytes};
use tokio::sync::mpsc;

/// Pieces that are on their way at once.
const PIECES: usize = 2;

/// The end that gives.
pub(super) struct Feed(mpsc::Sender<Bytes>);

/// The end that takes; on a thread that may be blocked.
pub(super) struct Outlet {
    pieces: mpsc::Receiver<Bytes>,
    piece: Bytes,
    has_ended: bool,
}

/// The reader is gone: it has said why.
#[derive(Debug)]
pub(super) struct Closed;

pub(super) fn pair() -> (Feed, Outlet) {
    let (sender, pieces) = mpsc::channel(PIECES);
    (Feed(sender), Outlet { pieces, piece: Bytes::new(), has_ended: false })
}

impl Feed {
    /// Hands on some bytes, none of which are too few, and waits while there are too many.
    pub(super) async fn give(&self, piece: Bytes) -> Result<(), Closed> {
        if piece.is_empty() { Ok(()) } else { self.0.send(piece).await.map_err(|_| Closed) }
    }

    /// That was all.
    pub(super) async fn end(self) -> Result<(), Closed> {
        self.0.send(Bytes::new()).await.map_err(|_| Closed)
    }
}

impl Read for Outlet {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() && !self.has_ended {
            self.piece = self.pieces.blocking_recv().ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
            self.has_ended = self.piece.is_empty();
        }
        let count = self.piece.len().min(buffer.len());
        self.piece.split_to(count).copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(outlet: Outlet) -> io::Result<Vec<u8>> {
        let all = move || {
            let (mut outlet, mut all) = (outlet, Vec::new());
            outlet.read_to_end(&mut all).map(|_| all)
        };
        tokio::task::spawn_blocking(all).await.unwrap()
    }

    #[tokio::test]
    async fn what_is_given_arrives_until_it_is_ended() {
        let (feed, outlet) = pair();
        let giving = async {
            for piece in ["a", "", "bc"] {
                feed.give(Bytes::from_static(piece.as_bytes())).await.unwrap();
            }
            feed.end().await.unwrap();
        };
        let (read, ()) = futures::future::join(read(outlet), giving).await;
        assert_eq!(read.unwrap(), b"abc");
    }

    #[tokio::test]
    async fn what_is_cut_off_is_an_error() {
        let (feed, outlet) = pair();
        let giving = async {
            feed.give(Bytes::from_static(b"half")).await.unwrap();
            drop(feed);
        };
        let (read, ()) = futures::future::join(read(outlet), giving).await;
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[tokio::test]
    async fn who_gives_to_a_reader_that_is_gone_is_told() {
        let (feed, outlet) = pair();
        drop(outlet);
        assert!(feed.give(Bytes::from_static(b"a")).await.is_err());
        assert!(feed.end().await.is_err());
    }
}
