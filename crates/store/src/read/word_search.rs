//! A word looked for in all texts of a batch at once.
//!
//! Most texts do not have the word. To ask each of them costs its lower case in a piece of memory of its own; the
//! texts of a batch lie behind one another, so one lower case and one search do for all, and only the texts that
//! have the word somewhere are asked properly.

use arrow_array::{Array, StringArray};
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder};
use memchr::memmem::Finder;
use weir_query::{FieldTest, Test};

/// The longest word of a test for words.
pub(crate) struct WordSearch {
    finder: Finder<'static>,
    /// The texts of the batch at hand in lower case.
    lower: Vec<u8>,
}

impl WordSearch {
    /// The search for a word that all matches of `test` have; `None` where there is none to be looked for.
    pub(crate) fn of(test: &FieldTest) -> Option<Self> {
        if !matches!(test.test, Test::Words(_)) {
            return None;
        }
        let words = test.test.needles().words;
        let word = words.into_iter().filter(|word| word.is_ascii()).max_by_key(String::len)?;
        Some(Self { finder: Finder::new(word.as_bytes()).into_owned(), lower: Vec::new() })
    }

    /// A bit per row: whether its text has the word somewhere. `None` where a text has letters beyond ASCII, whose
    /// lower case may be an ASCII letter.
    pub(crate) fn rows(&mut self, texts: &StringArray) -> Option<BooleanBuffer> {
        let offsets = texts.value_offsets();
        let (start, end) = (*offsets.first()? as usize, *offsets.last()? as usize);
        let bytes = &texts.value_data()[start..end];
        if !bytes.is_ascii() {
            return None;
        }
        self.lower.clear();
        self.lower.extend_from_slice(bytes);
        self.lower.make_ascii_lowercase();
        let mut rows = BooleanBufferBuilder::new(texts.len());
        rows.append_n(texts.len(), false);
        let (mut row, mut position) = (0, 0);
        while let Some(distance) = self.finder.find(&self.lower[position..]) {
            let found = position + distance;
            while offsets[row + 1] as usize - start <= found {
                row += 1;
            }
            let row_end = offsets[row + 1] as usize - start;
            if found + self.finder.needle().len() > row_end {
                // The end of one text and the start of the next: no word, but the next may begin with one.
                position = found + 1;
            } else {
                rows.set_bit(row, true);
                position = row_end;
            }
        }
        Some(rows.build())
    }
}

#[cfg(test)]
mod tests {
    use weir_query::{Predicate, parse};
    use weir_record::Timestamp;

    use super::*;

    fn check(query: &str, texts: &[&str], expected: Option<&[bool]>) {
        let compiled = parse(query).expect("a query").filter.compile(Timestamp::default()).expect("a query");
        let Predicate::Field(test) = compiled else {
            panic!("{query} is one test");
        };
        let array = StringArray::from(texts.to_vec());
        let rows = WordSearch::of(&test).expect("a word").rows(&array);
        assert_eq!(rows.map(|rows| rows.iter().collect::<Vec<_>>()).as_deref(), expected, "{query}");
        // A part of an array begins in the middle of its bytes.
        let part = array.slice(1, array.len() - 1);
        let rows = WordSearch::of(&test).expect("a word").rows(&part);
        assert_eq!(
            rows.map(|rows| rows.iter().collect::<Vec<_>>()).as_deref(),
            expected.map(|rows| &rows[1..])
        );
    }

    #[test]
    fn texts_with_the_word_somewhere_are_found() {
        check("aa", &["xa", "aa", "", "AA b", "a", "ab aab"], Some(&[false, true, false, true, false, true]));
        check("\"a payment\"", &["Payment", "a", "repayments"], Some(&[true, false, true]));
        check("a", &["b", "\u{e9}"], None);
    }
}
