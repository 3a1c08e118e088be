//! What a key may be used for. A login may use all that its person's role allows.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Role;

/// One kind of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, clap::ValueEnum)]
pub enum Scope {
    /// Questions, answers and conversations.
    #[serde(rename = "chat")]
    #[value(name = "chat")]
    Chat,
    /// Reading and searching documents.
    #[serde(rename = "documents:read")]
    #[value(name = "documents:read")]
    DocumentsRead,
    /// Uploading and deleting documents.
    #[serde(rename = "documents:write")]
    #[value(name = "documents:write")]
    DocumentsWrite,
    /// People and the audit; for admins.
    #[serde(rename = "admin")]
    #[value(name = "admin")]
    Admin,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Chat, Self::DocumentsRead, Self::DocumentsWrite, Self::Admin];

    /// Its name in the database and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::DocumentsRead => "documents:read",
            Self::DocumentsWrite => "documents:write",
            Self::Admin => "admin",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Chat => 1,
            Self::DocumentsRead => 2,
            Self::DocumentsWrite => 4,
            Self::Admin => 8,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    /// All but `admin`: what a key has that was asked for without scopes.
    pub const EVERYDAY: Self = Self(Scope::Chat.bit() | Scope::DocumentsRead.bit() | Scope::DocumentsWrite.bit());

    /// All that a role allows.
    #[must_use]
    pub const fn of(role: Role) -> Self {
        match role {
            Role::Member | Role::Editor => Self::EVERYDAY,
            Role::Admin => Self(Self::EVERYDAY.0 | Scope::Admin.bit()),
        }
    }

    /// Those of these names. A name that only a later release knows allows nothing in this one.
    #[must_use]
    pub fn from_names(names: &[String]) -> Self {
        Scope::ALL.into_iter().filter(|scope| names.iter().any(|name| name == scope.as_str())).collect()
    }

    /// Whether it is one of them.
    #[must_use]
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Those that are in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// One after the other, in a fixed order.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.contains(*scope))
    }

    /// Their names, for the database.
    #[must_use]
    pub fn names(self) -> Vec<String> {
        self.iter().map(|scope| scope.as_str().to_owned()).collect()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_as_the_same_scopes_and_unknown_ones_allow_nothing() {
        for scope in Scope::ALL {
            assert_eq!(Scopes::from_names(&[scope.to_string()]), Scopes::from_iter([scope]));
        }
        assert_eq!(Scopes::from_names(&["images".to_owned()]), Scopes::default());
        assert_eq!(Scopes::EVERYDAY.names(), ["chat", "documents:read", "documents:write"]);
    }

    #[test]
    fn only_an_admin_s_role_allows_the_scope_admin() {
        for (role, expected) in [(Role::Member, false), (Role::Editor, false), (Role::Admin, true)] {
            assert_eq!(Scopes::of(role).contains(Scope::Admin), expected, "{role}");
            assert_eq!(Scopes::of(role).and(Scopes::EVERYDAY), Scopes::EVERYDAY, "{role}");
        }
    }
}
