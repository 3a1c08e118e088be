//! Outgoing mail.
//!
//! | variable | form | default |
//! |---|---|---|
//! | SMTP_HOST | the server's name | none: no mail is sent |
//! | SMTP_PORT | 1 to 65535 | 587 |
//! | SMTP_USER, SMTP_PASSWORD | login, both or neither | none |

use secrecy::SecretString;

use super::reader::{Reader, parse};

/// How to reach the mail server.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The server's name.
    pub host: String,
    /// Its submission port.
    pub port: u16,
    /// Login, when the server asks for one.
    pub credentials: Option<(String, SecretString)>,
}

impl Mail {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let port = reader.or("SMTP_PORT", "a port from 1 to 65535", 587, parse::number(1..=65535));
        let host = reader.text("SMTP_HOST")?;
        let credentials = match (reader.text("SMTP_USER"), reader.secret("SMTP_PASSWORD")) {
            (Some(user), Some(password)) => Some((user, password)),
            (None, None) => None,
            (Some(_), None) => {
                reader.reject("SMTP_PASSWORD", "the password of SMTP_USER");
                None
            }
            (None, Some(_)) => {
                reader.reject("SMTP_USER", "the user whose password SMTP_PASSWORD is");
                None
            }
        };
        Some(Self { host, port, credentials })
    }
}
