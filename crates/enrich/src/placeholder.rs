//! The names that stand in a template where an id stood in the path.
//!
//! Named by kind rather than all `{id}`, because the kind is what an owner recognises a route by, and
//! because two kinds in one place are often two routes.

/// What takes the place of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placeholder {
    Id,
    Uuid,
    Hash,
    Date,
    Token,
    Slug,
    Size,
    Version,
    Ip,
    Email,
    Text,
}

impl Placeholder {
    pub(crate) const ALL: [Self; 11] = [
        Self::Id,
        Self::Uuid,
        Self::Hash,
        Self::Date,
        Self::Token,
        Self::Slug,
        Self::Size,
        Self::Version,
        Self::Ip,
        Self::Email,
        Self::Text,
    ];

    /// As it stands in a template.
    pub(crate) fn text(self) -> &'static [u8] {
        match self {
            Self::Id => b"{id}",
            Self::Uuid => b"{uuid}",
            Self::Hash => b"{hash}",
            Self::Date => b"{date}",
            Self::Token => b"{token}",
            Self::Slug => b"{slug}",
            Self::Size => b"{size}",
            Self::Version => b"{version}",
            Self::Ip => b"{ip}",
            Self::Email => b"{email}",
            Self::Text => b"{text}",
        }
    }
}
