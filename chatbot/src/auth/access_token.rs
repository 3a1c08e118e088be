//! Access tokens: JWTs of 15 minutes that show who logged in, signed with a key made from SECRET_KEY for this purpose alone.
//!
//! Environments do not take each other's, even where they share a SECRET_KEY: the issuer names tier and prefix. A token
//! says which session it belongs to; whether that still stands, and what its person may do, is read from the database.

use std::fmt;
use std::time::Duration;

use hmac::Mac;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Role, hs256};
use crate::check_token::keyed;
use crate::config::environment::Environment;

/// How long one is good.
pub const LIFETIME: Duration = Duration::from_mins(15);
/// Nothing longer is a token of ours; it is not worth a look.
pub const MAX_BYTES: usize = 1024;

const PURPOSE: &[u8] = b"chatbot.platform/access-token\n";

/// A token cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("an access token cannot be made: {0}")]
pub struct TokenError(#[from] jsonwebtoken::errors::Error);

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// The environment that made it.
    iss: String,
    /// Who logged in.
    pub sub: Uuid,
    /// In which session.
    pub sid: Uuid,
    /// Their role when it was made; for clients to show, the database decides.
    role: Role,
    /// When it was made, in seconds since 1970.
    iat: i64,
    /// When it ends, in seconds since 1970.
    exp: i64,
}

/// Makes and verifies the tokens of one environment.
#[derive(Clone)]
pub struct AccessTokens {
    issuer: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessTokens").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl AccessTokens {
    /// Those of this environment.
    ///
    /// # Errors
    /// The library refuses the key.
    pub fn new(secret_key: &SecretString, environment: &Environment) -> Result<Self, TokenError> {
        hs256::install();
        let key = keyed(secret_key).chain_update(PURPOSE).finalize().into_bytes();
        let issuer = format!("chatbot/{}/{}", environment.tier, environment.resource_prefix);
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[&issuer]);
        validation.set_required_spec_claims(&["iss", "sub", "exp"]);
        // The library reads the machine's clock; `verify` compares with the App's.
        validation.validate_exp = false;
        let (encoding, decoding) = (EncodingKey::from_secret(&key)?, DecodingKey::from_secret(&key)?);
        Ok(Self { issuer, encoding, decoding, validation })
    }

    /// A token for a session, good from `now` for [`LIFETIME`].
    ///
    /// # Errors
    /// The library's.
    pub fn issue(&self, user: Uuid, role: Role, session: Uuid, now: Timestamp) -> Result<SecretString, TokenError> {
        let iat = now.as_second();
        let exp = iat.saturating_add(i64::try_from(LIFETIME.as_secs()).unwrap_or(i64::MAX));
        let claims = Claims { iss: self.issuer.clone(), sub: user, sid: session, role, iat, exp };
        Ok(encode(&Header::new(Algorithm::HS256), &claims, &self.encoding)?.into())
    }

    /// What the token says, if it is ours and not ended at `now`.
    #[must_use]
    pub fn verify(&self, token: &str, now: Timestamp) -> Option<Claims> {
        if token.len() > MAX_BYTES {
            return None;
        }
        let claims = decode::<Claims>(token, &self.decoding, &self.validation).ok()?.claims;
        (claims.exp > now.as_second()).then_some(claims)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use secrecy::ExposeSecret;

    use super::*;
    use crate::config::environment::Tier;

    const NOW: i64 = 1_767_268_800;

    fn tokens(key: &str, tier: Tier, prefix: &str) -> AccessTokens {
        let environment = Environment {
            tier,
            resource_prefix: prefix.to_owned(),
            release_id: "local".to_owned(),
            release: None,
            debug: false,
        };
        AccessTokens::new(&SecretString::from(key), &environment).unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn issued(tokens: &AccessTokens) -> String {
        let token = tokens.issue(Uuid::nil(), Role::Admin, Uuid::max(), at(NOW)).unwrap();
        token.expose_secret().to_owned()
    }

    fn json(value: &serde_json::Value) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
    }

    #[test]
    fn a_token_says_who_logged_in_until_it_ends() {
        let ours = tokens("one", Tier::Prod, "prod_");
        let token = issued(&ours);
        let claims = ours.verify(&token, at(NOW + 899)).expect("it is good for 15 minutes");
        assert_eq!((claims.sub, claims.sid), (Uuid::nil(), Uuid::max()));
        assert_eq!(ours.verify(&token, at(NOW + 900)), None, "it ends at its time");
    }

    #[test]
    fn nothing_but_a_token_of_this_environment_is_taken() {
        let ours = tokens("one", Tier::Prod, "prod_");
        let token = issued(&ours);
        let parts: Vec<&str> = token.split('.').collect();
        let claims = serde_json::json!({"iss": "chatbot/prod/prod_", "sub": Uuid::nil(), "sid": Uuid::max(), "role": "admin", "iat": NOW, "exp": NOW + 900});
        let with_header =
            |header: serde_json::Value, signature: &str| format!("{}.{}.{signature}", json(&header), json(&claims));
        let longer = json(
            &serde_json::json!({"iss": "chatbot/prod/prod_", "sub": Uuid::nil(), "sid": Uuid::max(), "role": "admin", "iat": NOW, "exp": NOW + 90_000}),
        );
        let table = [
            ("another key's", issued(&tokens("two", Tier::Prod, "prod_"))),
            ("another tier's", issued(&tokens("one", Tier::Stage, "prod_"))),
            ("another prefix's", issued(&tokens("one", Tier::Prod, "other_"))),
            ("without an algorithm", with_header(serde_json::json!({"alg": "none", "typ": "JWT"}), "")),
            ("without one, signed", with_header(serde_json::json!({"alg": "none", "typ": "JWT"}), parts[2])),
            ("of a longer hash", with_header(serde_json::json!({"alg": "HS512", "typ": "JWT"}), parts[2])),
            ("of a public key", with_header(serde_json::json!({"alg": "RS256", "typ": "JWT"}), parts[2])),
            ("of an algorithm that nobody knows", with_header(serde_json::json!({"alg": "XY1"}), parts[2])),
            ("with a later end", format!("{}.{longer}.{}", parts[0], parts[2])),
            ("with half a signature", format!("{}.{}.{}", parts[0], parts[1], &parts[2][..20])),
            ("without a signature", format!("{}.{}.", parts[0], parts[1])),
            ("of two parts", format!("{}.{}", parts[0], parts[1])),
            ("of four parts", format!("{token}.x")),
            ("empty", String::new()),
            ("very long", "x".repeat(MAX_BYTES + 1)),
            ("dots", "..".to_owned()),
        ];
        for (what, token) in table {
            assert_eq!(ours.verify(&token, at(NOW)), None, "a token {what} is taken");
        }
        assert!(ours.verify(&token, at(NOW)).is_some(), "the one that the others were made from is good");
    }
}
