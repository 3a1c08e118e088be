//! The place in a list where a page ended: by what the list is sorted, so that the place is there even when the item is
//! not any more.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use uuid::Uuid;

use crate::store::Place;

/// Microseconds, then the id.
const BYTES: usize = 24;

/// As clients send it back: opaque to them, and unread so far.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct Cursor(Option<Place>);

impl Cursor {
    /// The place, if it is one.
    pub(super) const fn place(self) -> Option<Place> {
        self.0
    }
}

impl<'de> Deserialize<'de> for Cursor {
    /// What is no cursor is told as a value that is not allowed, and not as a query that cannot be read.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(decode(&String::deserialize(deserializer)?)))
    }
}

/// What clients are given.
pub(super) fn encode(place: &Place) -> String {
    let mut bytes = [0; BYTES];
    bytes[..8].copy_from_slice(&place.at.as_microsecond().to_be_bytes());
    bytes[8..].copy_from_slice(place.id.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(text: &str) -> Option<Place> {
    let bytes: [u8; BYTES] = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
    let (at, id) = bytes.split_first_chunk::<8>()?;
    let at = Timestamp::from_microsecond(i64::from_be_bytes(*at)).ok()?;
    // Nothing of ours is older, and PostgreSQL's calendar begins later than ours.
    let place = Place { at, id: Uuid::from_slice(id).ok()? };
    (at >= Timestamp::UNIX_EPOCH).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_went_and_nothing_else_is_one() {
        let at = "2026-01-01T12:00:00.123456Z".parse().unwrap();
        let place = Place { at, id: Uuid::from_bytes([0xab; 16]) };
        assert_eq!(decode(&encode(&place)), Some(place));
        for text in ["", "7", "018f0000-0000-7000-8000-000000000000", &"A".repeat(31), &"_".repeat(32)] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
