//! The text of a config as a tree of nodes, each with its place.
//!
//! Built from the parser's events rather than by its companion crate's loader, because that loader
//! recurses on the input's depth (half a megabyte of `- - -` overflows the stack and ends the
//! process), stops at the first duplicate key, and decides what `9099` is before `${PORT}` became it.
//! Here depth and size are bounded while the tree grows, duplicate keys stay in it to be reported,
//! and a scalar is the text that was written: what type it has to be is for its reader to say.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};

use super::environment::{Environment, EnvironmentError, interpolate};
use super::error::{ConfigError, Position};
use super::syntax;

/// The longest config file, in bytes.
pub const FILE_BYTES_MAX: usize = 1 << 20;

/// The deepest nesting, aliases counted where they are put in: a node is walked by recursion. The
/// deepest value of a config lies at 8, in a webhook's login, or deeper in routes below routes.
const DEPTH_MAX: usize = 32;

/// What the tree may take, in bytes: a file of [`FILE_BYTES_MAX`] full of ordinary lines fits, one
/// that repeats itself through aliases does not.
const TREE_BYTES_MAX: usize = 32 << 20;

/// What one node counts towards [`TREE_BYTES_MAX`] besides its text.
const NODE_BYTES: usize = 64;

/// A value of the file and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its first character.
    pub position: Position,
    /// What stands there.
    pub value: Value,
    /// Whether it is a scalar without quotes.
    pub is_plain: bool,
}

/// What a [`Node`] holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing, `~` or `null`: as if the key were not there.
    Null,
    /// Text, without quotes and with the environment's variables in place.
    Scalar(String),
    /// A list.
    Sequence(Vec<Node>),
    /// Keys and values in the order of the file; a key may come twice.
    Mapping(Vec<(Key, Node)>),
    /// Something that was wrong and is reported already; to be passed over.
    Reported,
}

/// The key of a mapping and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its first character.
    pub position: Position,
    /// The key, without quotes.
    pub text: String,
}

/// A collection whose end has not come yet.
struct Open {
    position: Position,
    anchor: usize,
    collection: Collection,
}

enum Collection {
    Sequence(Vec<Node>),
    Mapping { entries: Vec<(Key, Node)>, key: Option<Key> },
}

struct Builder<'a> {
    environment: Environment<'a>,
    errors: &'a mut Vec<ConfigError>,
    root: Option<Node>,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    tree_bytes: usize,
}

/// Reads `text` as one YAML document; `None` where it is empty or holds comments only.
///
/// Values whose variables could not be put in are reported in `errors` and become
/// [`Value::Reported`].
///
/// # Errors
///
/// The first thing after which nothing more can be read: a syntax error, or a bound that is reached.
pub fn load(
    text: &str,
    environment: Environment,
    errors: &mut Vec<ConfigError>,
) -> Result<Option<Node>, ConfigError> {
    let mut builder = Builder {
        environment,
        errors,
        root: None,
        open: Vec::new(),
        anchors: BTreeMap::new(),
        tree_bytes: 0,
    };
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| builder.explain(text, &error))?;
        builder.take(event, span)?;
    }
    Ok(builder.root.filter(|root| root.value != Value::Null))
}

impl Builder<'_> {
    fn take(&mut self, event: Event, span: Span) -> Result<(), ConfigError> {
        let position = position(span);
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) if self.root.is_none() => Ok(()),
            Event::DocumentStart(_) => Err(ConfigError::new(position, "a second YAML document begins here")
                .with_hint("a config is one document; remove the line `---` or `...`")),
            Event::Alias(anchor) => self.repeat(anchor, position),
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(tag.as_deref(), position);
                self.take_scalar(&text, style == ScalarStyle::Plain, anchor, position)
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_tag(tag.as_deref(), position);
                self.start(Open { position, anchor, collection: Collection::Sequence(Vec::new()) })
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_tag(tag.as_deref(), position);
                let collection = Collection::Mapping { entries: Vec::new(), key: None };
                self.start(Open { position, anchor, collection })
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
        }
    }

    fn refuse_tag(&mut self, tag: Option<&Tag>, position: Position) {
        if tag.is_some() {
            let error = ConfigError::new(position, "a YAML tag (`!name`) has no meaning here");
            self.errors.push(error.with_hint("remove it, or put a text that begins with `!` in quotes"));
        }
    }

    fn take_scalar(
        &mut self,
        text: &str,
        is_plain: bool,
        anchor: usize,
        position: Position,
    ) -> Result<(), ConfigError> {
        if let Some(key) = self.awaited_key() {
            *key = Some(Key { position, text: text.to_owned() });
            return self.account(NODE_BYTES + text.len(), position);
        }
        let value = match interpolate(text, self.environment) {
            Ok(text) if is_plain && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL") => {
                Value::Null
            }
            Ok(text) => Value::Scalar(text),
            Err(errors) => {
                let report = |error: &_| error_in_variable(error, position);
                self.errors.extend(errors.iter().map(report));
                Value::Reported
            }
        };
        let node = Node { position, value, is_plain };
        self.account(node.bytes(), position)?;
        self.place(node, anchor)
    }

    fn start(&mut self, open: Open) -> Result<(), ConfigError> {
        let position = open.position;
        if self.awaited_key().is_some() {
            return Err(ConfigError::new(position, "a key should be text, found a list or a mapping")
                .with_hint("a text that begins with `[` or `{` needs quotes"));
        }
        if self.open.len() == DEPTH_MAX {
            return Err(too_deep(position));
        }
        self.account(NODE_BYTES, position)?;
        self.open.push(open);
        Ok(())
    }

    fn end(&mut self) -> Result<(), ConfigError> {
        let Some(Open { position, anchor, collection }) = self.open.pop() else {
            return Ok(());
        };
        let value = match collection {
            Collection::Sequence(items) => Value::Sequence(items),
            Collection::Mapping { entries, .. } => Value::Mapping(entries),
        };
        self.place(Node { position, value, is_plain: false }, anchor)
    }

    /// An alias: the node of its anchor once more, at the anchor's place, where a mistake is mended.
    fn repeat(&mut self, anchor: usize, position: Position) -> Result<(), ConfigError> {
        if self.awaited_key().is_some() {
            return Err(ConfigError::new(position, "a key can't be a YAML alias")
                .with_hint("a text that begins with `*` needs quotes"));
        }
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            return Err(ConfigError::new(position, "this YAML alias stands inside its own anchor"));
        };
        if self.open.len() + node.depth() > DEPTH_MAX {
            return Err(too_deep(position));
        }
        self.account(node.bytes(), position)?;
        self.place(node, 0)
    }

    fn place(&mut self, node: Node, anchor: usize) -> Result<(), ConfigError> {
        if anchor > 0 {
            self.account(node.bytes(), node.position)?;
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut().map(|open| &mut open.collection) {
            Some(Collection::Sequence(items)) => items.push(node),
            Some(Collection::Mapping { entries, key }) => entries.extend(key.take().map(|key| (key, node))),
            None => self.root = Some(node),
        }
        Ok(())
    }

    /// Where the next scalar goes if it is a key.
    fn awaited_key(&mut self) -> Option<&mut Option<Key>> {
        match &mut self.open.last_mut()?.collection {
            Collection::Mapping { key, .. } if key.is_none() => Some(key),
            _ => None,
        }
    }

    fn account(&mut self, bytes: usize, position: Position) -> Result<(), ConfigError> {
        self.tree_bytes = self.tree_bytes.saturating_add(bytes);
        if self.tree_bytes <= TREE_BYTES_MAX {
            return Ok(());
        }
        Err(ConfigError::new(position, "more values than a config may hold")
            .with_hint("look for a YAML alias (`*name`) that repeats a large part"))
    }

    fn explain(&self, text: &str, error: &ScanError) -> ConfigError {
        let open = self.open.last().map(|open| open.position);
        syntax::explain(text, error, open)
    }
}

fn too_deep(position: Position) -> ConfigError {
    ConfigError::new(position, "nested too deeply").with_hint("a config has at most 32 levels")
}

fn error_in_variable(error: &EnvironmentError, position: Position) -> ConfigError {
    ConfigError::new(position, error.to_string()).with_hint(error.hint())
}

fn position(span: Span) -> Position {
    Position { line: span.start.line(), column: span.start.col() + 1 }
}

impl Node {
    /// What the node and all below it count towards [`TREE_BYTES_MAX`].
    fn bytes(&self) -> usize {
        NODE_BYTES
            + match &self.value {
                Value::Null | Value::Reported => 0,
                Value::Scalar(text) => text.len(),
                Value::Sequence(items) => items.iter().map(Node::bytes).sum(),
                Value::Mapping(entries) => {
                    entries.iter().map(|(key, node)| NODE_BYTES + key.text.len() + node.bytes()).sum()
                }
            }
    }

    /// The collections on the longest way down, itself counted.
    fn depth(&self) -> usize {
        match &self.value {
            Value::Null | Value::Reported | Value::Scalar(_) => 0,
            Value::Sequence(items) => 1 + items.iter().map(Node::depth).max().unwrap_or(0),
            Value::Mapping(entries) => 1 + entries.iter().map(|(_, node)| node.depth()).max().unwrap_or(0),
        }
    }
}
