//! The fields that are asked for, and their values in SQL.

use super::lines;

/// What a field holds, if it holds what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    List,
    Integer,
    Seconds,
    Words,
    /// Whatever the line has; there is no column for it.
    Other,
}

/// A field.
#[derive(Debug)]
pub struct Field {
    /// Its name in queries; where that is an alias, the column is another.
    pub name: &'static str,
    pub column: &'static str,
    pub kind: Kind,
    /// Values to ask for: those that it has, and some that it has not.
    pub values: &'static [&'static str],
}

const fn field(name: &'static str, kind: Kind, values: &'static [&'static str]) -> Field {
    Field { name, column: name, kind, values }
}

const STATUSES: &[&str] = &["200", "404", "500", "502", "503", "404.5", "abc", "5xx", "499"];
const SECONDS: &[&str] = &["0.25", "0.4", "1", "1.004", "0", "0.999"];

/// All of them.
pub const FIELDS: &[Field] = &[
    field("source", Kind::Text, &["web", "app", "none"]),
    field("host", Kind::Text, lines::HOSTS),
    Field { column: "host", ..field("domain_name", Kind::Text, lines::HOSTS) },
    field("method", Kind::Text, lines::METHODS),
    field("path", Kind::Text, lines::PATHS),
    Field { column: "path", ..field("uri", Kind::Text, lines::PATHS) },
    field("status", Kind::Integer, STATUSES),
    field("request_time", Kind::Seconds, SECONDS),
    field("upstream_time", Kind::Seconds, SECONDS),
    field("bytes_out", Kind::Integer, &["0", "5", "500", "1000", "1999"]),
    field("user_agent", Kind::Text, lines::AGENTS),
    field("request_id", Kind::Text, &["00000001", "00000fff", "0000abcd", "000000aa"]),
    field("message", Kind::Words, lines::WORDS),
    field("payload", Kind::Words, lines::WORDS),
    field("level", Kind::Integer, &["3", "4", "6", "7", "warn", "3.5", "true"]),
    field(
        "user_email",
        Kind::Text,
        &["jane@example.com", "o'hara@example.com", "zoë@example.org", "5", "no@x.y"],
    ),
    field("controller", Kind::Text, &["cart", "Cart", "check_out", "checkout", "5", "true", "user\\admin"]),
    field("tags", Kind::List, &["beaver", "nginx_json", "eu", "k8s", "7"]),
    field("cache", Kind::Other, &["HIT", "MISS", "5", "hit"]),
    field("order_id", Kind::Other, &["4711", "4712.5", "A-9", "true", "a"]),
    field("duration", Kind::Other, &["0.25", "12", "1000", "-4", "slow", "0"]),
    field("user.id", Kind::Other, &["0", "7", "19", "20"]),
    field("user.name", Kind::Other, &["Zoë", "O'Hara", "ann", "Ann"]),
    field("größe", Kind::Other, &["groß", "klein", "mittel"]),
    field("ids", Kind::Other, &["1", "2", "7", "x", "y z"]),
    field("_line", Kind::Integer, &["1", "17", "200"]),
];

/// A text in SQL.
pub fn sql_text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

impl Field {
    fn own(&self) -> Option<String> {
        (self.kind != Kind::Other).then(|| format!("\"{}\"", self.column))
    }

    /// What the maps have.
    fn maps(&self) -> String {
        let name = sql_text(self.column);
        format!("_text[{name}], _json[{name}]")
    }

    fn is_number(&self) -> bool {
        matches!(self.kind, Kind::Integer | Kind::Seconds)
    }

    /// Every value as text.
    pub fn texts(&self) -> String {
        let own = self.own().map_or("NULL".to_owned(), |own| format!("CAST({own} AS VARCHAR)"));
        let list = if self.kind == Kind::List { "_list" } else { "" };
        format!("texts_of{list}({own}, {})", self.maps())
    }

    /// Every value that reads as a number.
    pub fn numbers(&self) -> String {
        format!("numbers_of({})", self.texts())
    }

    /// Every value that is a number.
    pub fn true_numbers(&self) -> String {
        let own = self.own().filter(|_| self.is_number()).unwrap_or("NULL".to_owned());
        format!("true_numbers_of({own}, _json[{}])", sql_text(self.column))
    }

    /// Every value that is a text.
    pub fn true_texts(&self) -> String {
        if self.kind == Kind::List {
            return self.texts();
        }
        let own = self.own().filter(|_| !self.is_number()).unwrap_or("NULL".to_owned());
        format!("true_texts_of({own}, {})", self.maps())
    }

    /// Whether there is one.
    pub fn exists(&self) -> String {
        let own = self.own().map_or(String::new(), |own| format!("{own} IS NOT NULL OR "));
        let name = sql_text(self.column);
        format!("({own}_text[{name}] IS NOT NULL OR _json[{name}] IS NOT NULL)")
    }

    /// The keys of its groups.
    pub fn keys(&self) -> String {
        let own = self.own().unwrap_or("NULL".to_owned());
        match self.kind {
            Kind::List => format!("keys_of_list({own}, {})", self.maps()),
            Kind::Integer | Kind::Seconds => format!("keys_of(NULL, {own}, {})", self.maps()),
            _ => format!("keys_of({own}, NULL, {})", self.maps()),
        }
    }

    /// The only number of a field whose values are no lists.
    pub fn number(&self) -> String {
        format!("{}[1]", self.numbers())
    }

    /// The only key of a field whose values are no lists; NULL where it is missing.
    pub fn key(&self) -> String {
        let own = self.own().unwrap_or("NULL".to_owned());
        let columns = if self.is_number() { format!("NULL, {own}") } else { format!("{own}, NULL") };
        format!("key_of({columns}, {})", self.maps())
    }
}
