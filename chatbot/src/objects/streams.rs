//! Large objects: written in parts and read as a stream, so that memory stays flat.
//!
//! A whole one may take hours, so that it has no deadline; silence has one.

use std::time::Duration;

use bytes::Bytes;
use futures::{TryStreamExt, stream::BoxStream};
use object_store::{MultipartUpload, ObjectStoreExt, PutPayloadMut};
use tokio::task::JoinSet;

use super::{Objects, ObjectsError, parse, within};

/// Longest wait for the store to take one part, or to send something.
pub const SILENCE: Duration = Duration::from_mins(1);
/// Bytes of a part; two are in memory at once. S3 takes 10 000 parts, so that an object has at most 160 GB.
const PART: usize = 16 << 20;
/// Most keys of a list.
const LONGEST_LIST: usize = 10_000;

impl Objects {
    /// Begins an object, which is there only when it is complete.
    ///
    /// # Errors
    /// `Disabled`, or the store's.
    pub async fn upload(&self, key: &str) -> Result<Upload, ObjectsError> {
        let path = parse(key)?;
        let store = within(SILENCE, async { Ok(self.store()?.put_multipart(&path).await?) }).await?;
        Ok(Upload { store, part: PutPayloadMut::new(), running: JoinSet::new() })
    }

    /// Begins to read an object.
    ///
    /// # Errors
    /// `NotFound`, `Disabled`, or the store's.
    pub async fn read(&self, key: &str) -> Result<Reading, ObjectsError> {
        let path = parse(key)?;
        let found = within(SILENCE, async { Ok(self.store()?.get(&path).await?) }).await?;
        Ok(Reading(found.into_stream()))
    }

    /// The keys below a folder, in no order, and no more of them than a folder of ours can have.
    ///
    /// # Errors
    /// `Disabled`, or the store's.
    pub async fn list(&self, folder: &str) -> Result<Vec<String>, ObjectsError> {
        let mut entries = self.store()?.list(Some(&parse(folder)?));
        let mut keys = Vec::new();
        while keys.len() < LONGEST_LIST
            && let Some(entry) = within(SILENCE, async { Ok(entries.try_next().await?) }).await?
        {
            keys.push(entry.location.to_string());
        }
        Ok(keys)
    }
}

/// An object on its way into the store. Dropped before its end, it leaves parts behind in S3: see [`Upload::abort`].
#[derive(Debug)]
pub struct Upload {
    store: Box<dyn MultipartUpload>,
    part: PutPayloadMut,
    running: JoinSet<object_store::Result<()>>,
}

impl Upload {
    /// Takes some bytes, and waits while there are too many of them in memory.
    ///
    /// # Errors
    /// Those of an earlier part.
    pub async fn write(&mut self, mut bytes: Bytes) -> Result<(), ObjectsError> {
        while !bytes.is_empty() {
            let room = PART - self.part.content_length();
            self.part.push(bytes.split_to(room.min(bytes.len())));
            if self.part.content_length() == PART {
                self.send().await?;
            }
        }
        Ok(())
    }

    /// Waits until everything is there, and shows the object.
    ///
    /// # Errors
    /// The store's; it wants to be aborted then.
    pub async fn complete(&mut self) -> Result<(), ObjectsError> {
        if !self.part.is_empty() {
            self.send().await?;
        }
        self.settle().await?;
        within(SILENCE, async { Ok(self.store.complete().await?) }).await.map(drop)
    }

    /// Gives up and removes what was sent.
    ///
    /// # Errors
    /// The store's: what was sent is still there, and no object.
    pub async fn abort(mut self) -> Result<(), ObjectsError> {
        self.running.shutdown().await;
        within(SILENCE, async { Ok(self.store.abort().await?) }).await
    }

    /// Sends the part while the next one fills.
    async fn send(&mut self) -> Result<(), ObjectsError> {
        self.settle().await?;
        let part = std::mem::take(&mut self.part);
        self.running.spawn(self.store.put_part(part.into()));
        Ok(())
    }

    /// Waits for the part that is being sent.
    async fn settle(&mut self) -> Result<(), ObjectsError> {
        while let Some(sent) = within(SILENCE, async { Ok(self.running.join_next().await) }).await? {
            sent.map_err(|source| object_store::Error::JoinError { source })??;
        }
        Ok(())
    }
}

/// An object on its way out of the store.
pub struct Reading(BoxStream<'static, object_store::Result<Bytes>>);

impl Reading {
    /// The next bytes; None at the end.
    ///
    /// # Errors
    /// The store's, and its silence.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ObjectsError> {
        within(SILENCE, async { Ok(self.0.try_next().await?) }).await
    }
}
