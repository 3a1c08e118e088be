//! Random secrets. A plain hash of one is enough to know it again: with 256 bits of their own there is nothing to guess.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rand::TryRng;
use secrecy::SecretString;
use sha2::{Digest, Sha256};

/// Every refresh token starts with this, so that secret scanners and people recognise one.
pub const REFRESH_PREFIX: &str = "cbr_";

/// The system gives no random numbers.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random numbers: {0}")]
pub struct NoRandomness(#[from] rand::rngs::SysError);

/// Random bytes of the system.
///
/// # Errors
/// It gives none.
pub fn random<const BYTES: usize>() -> Result<[u8; BYTES], NoRandomness> {
    let mut bytes = [0; BYTES];
    rand::rngs::SysRng.try_fill_bytes(&mut bytes)?;
    Ok(bytes)
}

/// A new refresh token.
///
/// # Errors
/// The system gives no random numbers.
pub fn refresh_token() -> Result<SecretString, NoRandomness> {
    let bits: [u8; 32] = random()?;
    Ok(SecretString::from(format!("{REFRESH_PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(bits))))
}

/// What the database keeps of a secret.
#[must_use]
pub fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}
