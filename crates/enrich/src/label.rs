//! Client-chosen bytes as label text: UTF-8, with a length limit.
//!
//! Labels live as long as their series, so their length is bounded where they are born. Odd bytes
//! are replaced, not dropped: two names that differ only there stay two names of equal length. The
//! usual case, a short ASCII name, borrows the log line and copies nothing.

/// The label of a host or path that the line lacks.
pub(crate) const ABSENT: &str = "-";

/// At most `max_len` bytes of `bytes` as text; `buffer` is used only for bytes that are not UTF-8.
///
/// Text is cut between characters. Absent and empty both read [`ABSENT`], because in a metric an
/// empty label and a missing one are the same.
pub(crate) fn text<'s>(bytes: Option<&'s [u8]>, max_len: usize, buffer: &'s mut String) -> &'s str {
    let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) else {
        return ABSENT;
    };
    match std::str::from_utf8(bytes) {
        Ok(text) => cut(text, max_len),
        Err(_) => {
            replace_odd_bytes(bytes.get(..max_len).unwrap_or(bytes), buffer);
            cut(buffer, max_len)
        }
    }
}

fn replace_odd_bytes(bytes: &[u8], buffer: &mut String) {
    buffer.clear();
    for chunk in bytes.utf8_chunks() {
        buffer.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            buffer.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

fn cut(text: &str, max_len: usize) -> &str {
    text.get(..text.floor_char_boundary(max_len)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], max_len: usize, expected: &str) {
        assert_eq!(text(Some(bytes), max_len, &mut String::new()), expected);
    }

    #[test]
    fn good_text_is_borrowed_as_it_is() {
        let bytes = b"shop.example.com";
        let mut buffer = String::new();
        let label = text(Some(bytes), 255, &mut buffer);
        assert_eq!(label.as_ptr(), bytes.as_ptr());
    }

    #[test]
    fn absent_and_empty_are_a_dash() {
        assert_eq!(text(None, 255, &mut String::new()), "-");
        check(b"", 255, "-");
    }

    #[test]
    fn odd_bytes_are_replaced_and_length_is_bounded() {
        check(b"a\xffb", 255, "a\u{fffd}b");
        check(b"abcdef", 3, "abc");
        check("aé".as_bytes(), 2, "a");
        check(b"\xff\xff", 4, "\u{fffd}");
    }

    #[test]
    fn the_buffer_starts_afresh_each_time() {
        let mut buffer = String::from("left over");
        assert_eq!(text(Some(b"\xff"), 255, &mut buffer), "\u{fffd}");
    }
}
