//! Passwords: what is one, and its hash (argon2id, as a PHC string).
//!
//! A hash takes 19 MiB and tens of milliseconds on purpose. So few are made at a time, on threads of their own, and a
//! crowd of logins is sent away in place of using up the process's memory.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Semaphore, SemaphorePermit};
use unicode_normalization::UnicodeNormalization;

use super::secret::{self, NoRandomness};

/// Fewest and most characters.
const LENGTH: std::ops::RangeInclusive<usize> = 12..=256;
/// Hashes at a time.
const AT_A_TIME: usize = 2;
/// More than these wait in vain: at tens of milliseconds each, the last would wait for seconds.
const WAITING: usize = 64;
/// Longest wait for one's turn.
const PATIENCE: Duration = Duration::from_secs(10);
/// The hash of no password, with the costs of every other: whoever has none is looked into for as long.
const DUMMY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm8gc3VjaCBwZXJzb24hIQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A text that may be a password, in Unicode's form NFKC: keyboards differ in how they write the same letters.
#[derive(Clone, Debug)]
pub struct Password(SecretString);

/// Why a text may not be a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Weak {
    /// Too short or too long.
    #[error("write 12 to 256 characters")]
    Length,
    /// It is the user's own name or address.
    #[error("choose something else than the name or the e-mail address")]
    OwnName,
}

/// Why a password was not hashed.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too many at a time.
    #[error("too many logins at once")]
    Busy,
    /// The system gives no random numbers.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The library refused; a stored hash that is none counts here too.
    #[error("a password cannot be hashed: {0}")]
    Hash(argon2::password_hash::Error),
    /// The thread that hashed it ended badly.
    #[error("a password's hash was not finished: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

impl Password {
    /// Whether this may be the password of somebody of these names (name, e-mail address).
    ///
    /// # Errors
    /// See [`Weak`].
    pub fn new(text: &SecretString, names: &[&str]) -> Result<Self, Weak> {
        let normal = normal(text);
        let characters = normal.expose_secret().chars().count();
        if !LENGTH.contains(&characters) {
            return Err(Weak::Length);
        }
        let lower = normal.expose_secret().to_lowercase();
        if names.iter().any(|name| name.to_lowercase() == lower) {
            return Err(Weak::OwnName);
        }
        Ok(Self(normal))
    }
}

fn normal(text: &SecretString) -> SecretString {
    SecretString::from(text.expose_secret().nfkc().collect::<String>())
}

/// Makes and verifies hashes, a few at a time. Clones share the turns.
#[derive(Clone, Debug)]
pub struct Passwords {
    waiting: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { waiting: Arc::new(Semaphore::new(AT_A_TIME + WAITING)), turns: Arc::new(Semaphore::new(AT_A_TIME)) }
    }
}

impl Passwords {
    /// The hash to store.
    ///
    /// # Errors
    /// See [`PasswordError`].
    pub async fn hash(&self, password: Password) -> Result<String, PasswordError> {
        let (_place, _turn) = self.turn().await?;
        let salt: [u8; 16] = secret::random()?;
        let hash = move || {
            let hash: Result<PasswordHash, _> =
                Argon2::default().hash_password_with_salt(password.0.expose_secret().as_bytes(), &salt);
            hash.map(|hash| hash.to_string()).map_err(PasswordError::Hash)
        };
        tokio::task::spawn_blocking(hash).await?
    }

    /// Whether `given` is the password behind `stored`. Without one it takes as long, and is not.
    ///
    /// # Errors
    /// See [`PasswordError`].
    pub async fn verify(&self, given: &SecretString, stored: Option<&str>) -> Result<bool, PasswordError> {
        let (_place, _turn) = self.turn().await?;
        let (given, exists) = (normal(given), stored.is_some());
        let stored = PasswordHash::new(stored.unwrap_or(DUMMY)).map_err(|error| PasswordError::Hash(error.into()))?;
        let verified = tokio::task::spawn_blocking(move || {
            Argon2::default().verify_password(given.expose_secret().as_bytes(), &stored)
        });
        match verified.await? {
            Ok(()) => Ok(exists),
            Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
            Err(error) => Err(PasswordError::Hash(error)),
        }
    }

    async fn turn(&self) -> Result<(SemaphorePermit<'_>, SemaphorePermit<'_>), PasswordError> {
        let place = self.waiting.try_acquire().map_err(|_| PasswordError::Busy)?;
        let turn = tokio::time::timeout(PATIENCE, self.turns.acquire()).await;
        Ok((place, turn.map_err(|_| PasswordError::Busy)?.map_err(|_| PasswordError::Busy)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> SecretString {
        SecretString::from(text)
    }

    #[test]
    fn a_password_is_long_enough_and_not_its_owner_s_name() {
        let table = [
            ("eleven char", Err(Weak::Length)),
            ("twelve chars", Ok(())),
            ("گذرواژهٔ من است", Ok(())),
            ("Sara-The-First", Err(Weak::OwnName)),
            (&"x".repeat(257), Err(Weak::Length)),
        ];
        for (given, expected) in table {
            assert_eq!(Password::new(&text(given), &["sara-the-first"]).map(drop), expected, "{given}");
        }
    }

    #[tokio::test]
    async fn a_hash_knows_its_password_alone_however_the_keyboard_writes_it() {
        let passwords = Passwords::default();
        let hash = passwords.hash(Password::new(&text("caf\u{e9} au lait!"), &[]).unwrap()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        for (given, expected) in
            [("caf\u{e9} au lait!", true), ("cafe\u{301} au lait!", true), ("cafe au lait!", false)]
        {
            assert_eq!(passwords.verify(&text(given), Some(&hash)).await.unwrap(), expected, "{given}");
        }
        assert!(!passwords.verify(&text("caf\u{e9} au lait!"), None).await.unwrap());
    }

    #[tokio::test]
    async fn the_dummy_costs_what_a_hash_costs() {
        let hash = Passwords::default().hash(Password::new(&text("twelve chars"), &[]).unwrap()).await.unwrap();
        let costs = |hash: &str| hash.split('$').take(4).collect::<Vec<_>>().join("$");
        assert_eq!(costs(DUMMY), costs(&hash));
        assert_eq!(DUMMY.len(), hash.len(), "salt and hash are as long");
    }

    #[tokio::test]
    async fn who_finds_no_place_to_wait_is_sent_away_at_once() {
        let passwords = Passwords::default();
        let _all = passwords.waiting.acquire_many(u32::try_from(AT_A_TIME + WAITING).unwrap()).await.unwrap();
        assert!(matches!(passwords.verify(&text("any"), None).await, Err(PasswordError::Busy)));
    }
}
