//! Writes one tree into a repository: a pack of one blob, and the index that names it.
//!
//! The library archives what is streamed with a size of zero, since it sets a file's size before it reads the content; restic
//! restores such a file empty. So the tree is written once more, with the sizes that came to be. The format:
//! <https://restic.readthedocs.io/en/stable/100_references.html>, "Repository Format".

use aes256ctr_poly1305aes::{Aes256CtrPoly1305Aes, Key, Nonce, aead::Aead};
use rustic_core::{
    BytesList, FileType, Id, WriteBackend,
    repofile::{MasterKey, Tree},
};
use serde_json::json;
use sha2::{Digest, Sha256};

/// In a pack's header: a tree that is not compressed.
const TREE: u8 = 1;

pub(super) type Error = Box<dyn std::error::Error + Send + Sync>;

/// Writes `tree` through `store`, each part under a new nonce; answers the tree's name.
pub(super) fn write(
    store: &dyn WriteBackend,
    key: &MasterKey,
    tree: &Tree,
    nonce: impl Fn() -> [u8; 16],
) -> Result<Id, Error> {
    let cipher = Aes256CtrPoly1305Aes::new(&whole(key)?);
    let (content, id) = tree.serialize()?;
    let id = id.into_inner();
    let mut pack = seal(&cipher, nonce(), &content)?;
    let length = u32::try_from(pack.len())?;
    let header = seal(&cipher, nonce(), &header(length, &id)?)?;
    pack.extend_from_slice(&header);
    pack.extend_from_slice(&u32::try_from(header.len())?.to_le_bytes());
    let size = pack.len();
    let pack = save(store, FileType::Pack, pack)?;
    let blob = json!({"id": hex(&id), "type": "tree", "offset": 0, "length": length});
    let index = json!({"packs": [{"id": hex(&pack), "size": size, "blobs": [blob]}]});
    save(store, FileType::Index, seal(&cipher, nonce(), index.to_string().as_bytes())?)?;
    Ok(id)
}

/// As the cipher takes it: for AES, then both halves for the authentication.
fn whole(key: &MasterKey) -> Result<Key, Error> {
    let parts = [&key.encrypt[..], &key.mac.k, &key.mac.r].concat();
    let wrong = |_| "the repository's key has another length than its format says";
    Ok(Key::from(<[u8; 64]>::try_from(parts).map_err(wrong)?))
}

/// Nonce, what is encrypted, and the tag that proves it.
fn seal(cipher: &Aes256CtrPoly1305Aes, nonce: [u8; 16], plain: &[u8]) -> Result<Vec<u8>, Error> {
    let sealed = cipher.encrypt(&Nonce::from(nonce), plain).map_err(|_| "there is too much to encrypt at once")?;
    Ok([&nonce[..], &sealed].concat())
}

fn header(length: u32, id: &Id) -> Result<Vec<u8>, Error> {
    Ok([&[TREE][..], &length.to_le_bytes(), &hex::decode(hex(id))?].concat())
}

/// A file is called after its content.
fn save(store: &dyn WriteBackend, kind: FileType, content: Vec<u8>) -> Result<Id, Error> {
    let name: Id = hex::encode(Sha256::digest(&content)).parse()?;
    store.write_bytes(kind, &name, true, BytesList::from(content))?;
    Ok(name)
}

fn hex(id: &Id) -> String {
    id.to_hex().to_string()
}
