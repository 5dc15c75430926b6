//! Where the value of a JSON member ends, in JSON that was put into strings once or several times.
//!
//! At each nesting a quote has twice as many backslashes and one more, so the quote that opened the value tells
//! which quote closes it: a parser for each level is not needed, and text that is JSON only nearly (cut, or
//! logged by hand) is read the same way. A quote with fewer backslashes belongs to a string around it; nothing
//! is read beyond that one, so what is replaced never takes part of the line's own structure with it.

use super::symbol::{Symbol, Writing, after_blanks, quote_at, symbol};

/// A quote of one nesting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Where it begins: with the backslashes before it, however they are written.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// How the character itself is written.
    writing: Writing,
    /// The backslashes, however they are written.
    backslashes: usize,
}

/// What a quote is to a string that was opened before.
enum Role {
    /// It belongs to a string around that one.
    Outer,
    /// It ends that one.
    Closing,
    /// It is a character in it.
    Content,
}

impl Quote {
    /// The quote that `found` is; `None` where it is another character.
    pub fn of(line: &[u8], found: Symbol) -> Option<Self> {
        if found.byte != b'"' {
            return None;
        }
        let Symbol { start, end, writing, backslashes, .. } = found;
        let plain = Self { start, end, writing, backslashes };
        match writing {
            Writing::Plain | Writing::Unicode => Some(plain),
            // What escapes such a quote is written the same way: `\x5C\x22`, `%5C%22`.
            Writing::Hexadecimal | Writing::Percent(_) => {
                let len = end - start;
                let is_backslash = |at: usize| {
                    symbol(line, at).is_some_and(|before| {
                        before.byte == b'\\' && before.writing == writing && before.end == at + len
                    })
                };
                let mut backslashes = 0;
                while let Some(at) = start.checked_sub((backslashes + 1) * len)
                    && is_backslash(at)
                {
                    backslashes += 1;
                }
                Some(Self { start: start - backslashes * len, backslashes, ..plain })
            }
        }
    }

    /// What `other`, which comes later, is to the string that this one opened.
    fn role(&self, other: &Self) -> Role {
        if other.writing != self.writing {
            // A bare quote ends whatever stands in the line's own strings.
            let is_bare = other.writing == Writing::Plain && other.backslashes == 0;
            return if is_bare { Role::Outer } else { Role::Content };
        }
        let (own, others) = (self.backslashes, other.backslashes);
        if others < own {
            return Role::Outer;
        }
        if self.writing == Writing::Unicode {
            return if others == own { Role::Closing } else { Role::Content };
        }
        let more = others - own;
        let is_closing = more.is_multiple_of(own + 1) && (more / (own + 1)).is_multiple_of(2);
        if is_closing { Role::Closing } else { Role::Content }
    }

    /// Where the content of the string ends that this quote opens, and whether a quote closes it there.
    pub fn content_end(&self, line: &[u8]) -> (usize, bool) {
        let mut at = self.end;
        while let Some(found) = symbol(line, at) {
            if let Some(quote) = Self::of(line, found) {
                match self.role(&quote) {
                    Role::Outer => return (quote.start.max(self.end), false),
                    Role::Closing => return (found.end - (self.end - self.start), true),
                    Role::Content => {}
                }
            }
            at = found.end;
        }
        (line.len(), false)
    }
}

/// Where a number, a word or nothing ends that begins at `start`.
pub fn bare_end(line: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(found) = symbol(line, at) {
        match found.byte {
            b'"' | b'}' | b']' => break,
            // nginx writes lists without brackets: `0.003, 0.010`.
            b',' => {
                let next = after_blanks(line, found.end);
                let is_brace = symbol(line, next).is_none_or(|next| next.byte == b'}');
                if is_brace || quote_at(line, next).is_some() {
                    break;
                }
            }
            _ => {}
        }
        at = found.end;
    }
    let text = &line[start..at];
    start + text.trim_ascii_end().len()
}

/// Where an object or an array ends whose bracket stands at `start`; `key` is a quote of its member's name.
pub fn nested_end(line: &[u8], start: usize, key: &Quote) -> usize {
    let (mut at, mut depth) = (start, 0_usize);
    while let Some(found) = symbol(line, at) {
        match found.byte {
            b'"' => {
                let Some(quote) = Quote::of(line, found) else { return at };
                if matches!(key.role(&quote), Role::Outer) {
                    return quote.start.max(start);
                }
                let (end, is_closed) = quote.content_end(line);
                let closing = quote.end - quote.start;
                at = if is_closed { end + closing } else { end.max(found.end) };
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return found.end;
                }
            }
            _ => {}
        }
        at = found.end;
    }
    line.len()
}
