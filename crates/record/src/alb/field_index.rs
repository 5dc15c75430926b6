//! Finds the end of an ALB line and of each of its fields in one pass.
//!
//! An ALB line is 650 bytes of 34 fields, some quoted, and finding the delimiters is most of the
//! cost of parsing it. Searching byte by byte, or with one SIMD search per field, took two to three
//! times as long as this: 64 bytes at a time become bit masks of spaces, quotes and line ends, and
//! a prefix-xor of the quotes tells which spaces lie outside of them.
//!
//! The mask arithmetic only handles lines as AWS writes them (a quote opens at the start of a field
//! and closes at its end). It notices any other line, and [`split_leniently`] then decides with the
//! rules of the format spelled out byte by byte. State never crosses a line end, so that one odd
//! quote cannot spoil the lines after it.

use crate::reject::{Reason, Reject};

/// Fields that are located; what AWS appends beyond them is ignored.
pub(super) const FIELDS_MAX: usize = 40;

const BLOCK: usize = 64;

/// Where the fields of one line end.
pub(super) struct FieldEnds {
    /// Room for a whole block of delimiters beyond the last field, so that a block is stored without
    /// asking for each delimiter whether it fits.
    ends: [u32; FIELDS_MAX + BLOCK],
    count: usize,
}

/// One line as found at the start of a text.
pub(super) struct IndexedLine {
    /// Bytes of the line, without its line end.
    pub len: usize,
    /// Whether the ends are right; if not, [`split_leniently`] must find them.
    pub is_regular: bool,
}

impl FieldEnds {
    pub(super) fn new() -> Self {
        Self { ends: [0; FIELDS_MAX + BLOCK], count: 0 }
    }

    /// Fields of the line that were located.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The offset at which field `index` starts; the line's end where there is no such field.
    pub(super) fn start(&self, index: usize) -> usize {
        let index = index.min(self.count);
        if index == 0 { 0 } else { self.ends[index - 1] as usize + 1 }
    }

    /// The bytes of field `index`, quotes included; `None` where the line has no such field.
    #[inline(always)]
    pub(super) fn get<'a>(&self, line: &'a [u8], index: usize) -> Option<&'a [u8]> {
        if index >= self.count {
            return None;
        }
        let start = if index == 0 { 0 } else { self.ends[index - 1] as usize + 1 };
        line.get(start..self.ends[index] as usize)
    }

    #[inline(always)]
    fn push(&mut self, end: usize) {
        if self.count < FIELDS_MAX {
            self.ends[self.count] = end as u32;
            self.count += 1;
        }
    }

    /// Adds the delimiters of a block that starts at `offset`.
    ///
    /// Always stores four at a time, and overwrites what was too many with the next block: how many
    /// there are is as good as random, and a loop that ends at the right one would be mispredicted in
    /// every block.
    #[inline(always)]
    fn push_block(&mut self, offset: usize, mut delimiters: u64) {
        const STEP: usize = 4;
        let added = delimiters.count_ones() as usize;
        let room = self.ends[self.count..].chunks_exact_mut(STEP);
        for ends in room.take(added.div_ceil(STEP).max(1)) {
            for end in ends {
                *end = offset as u32 + delimiters.trailing_zeros();
                delimiters &= delimiters.wrapping_sub(1);
            }
        }
        self.count = (self.count + added).min(FIELDS_MAX);
    }
}

/// Which of 64 bytes are a space, a quote, a line end, a backslash.
#[derive(Clone, Copy)]
struct Masks {
    space: u64,
    quote: u64,
    newline: u64,
    backslash: u64,
}

/// Finds the first line of `text` and its fields. A text without a line end is one line.
pub(super) fn index_line(text: &[u8], fields: &mut FieldEnds) -> IndexedLine {
    #[cfg(target_arch = "x86_64")]
    if avx2::is_available() {
        // SAFETY: the processor has what the function is compiled for.
        return unsafe { avx2::index_line(text, fields) };
    }
    index_line_with(text, fields, portable_masks, portable_prefix_xor)
}

#[inline(always)]
fn index_line_with(
    text: &[u8],
    fields: &mut FieldEnds,
    masks: impl Fn(&[u8; BLOCK]) -> Masks,
    prefix_xor: impl Fn(u64) -> u64,
) -> IndexedLine {
    fields.count = 0;
    let mut state = LineState::start();
    let mut offset = 0;
    loop {
        let rest = &text[offset.min(text.len())..];
        let found = match rest.first_chunk::<BLOCK>() {
            Some(block) => masks(block),
            // The text's end is a line end.
            None => {
                let mut padded = [b'\n'; BLOCK];
                padded[..rest.len()].copy_from_slice(rest);
                masks(&padded)
            }
        };
        fields.push_block(offset, state.advance(found, &prefix_xor));
        if found.newline != 0 {
            let len = offset + found.newline.trailing_zeros() as usize;
            fields.push(len);
            return IndexedLine { len, is_regular: state.irregular == 0 && state.in_quotes == 0 };
        }
        offset += BLOCK;
    }
}

/// What one block must know of those before it.
struct LineState {
    /// All ones while inside quotes.
    in_quotes: u64,
    /// Bit 0: the block's first byte starts a field.
    starts_field: u64,
    /// Bit 0: the byte before the block was a closing quote.
    after_close: u64,
    /// Bit 0: the byte before the block was a backslash.
    after_backslash: u64,
    /// Not zero once a quote was seen where AWS never writes one.
    irregular: u64,
}

impl LineState {
    fn start() -> Self {
        Self { in_quotes: 0, starts_field: 1, after_close: 0, after_backslash: 0, irregular: 0 }
    }

    /// Takes in one block and returns its delimiters: spaces outside of quotes, before the line end.
    #[inline(always)]
    fn advance(&mut self, found: Masks, prefix_xor: impl Fn(u64) -> u64) -> u64 {
        let line_end = found.newline & found.newline.wrapping_neg();
        let line = line_end.wrapping_sub(1);
        let quotes = found.quote & line;
        let inside = prefix_xor(quotes) ^ self.in_quotes;
        let delimiters = found.space & line & !inside;
        let closing = quotes & !inside;
        let starts = delimiters << 1 | self.starts_field;
        let after_close = closing << 1 | self.after_close;
        let after_backslash = found.backslash << 1 | self.after_backslash;
        self.irregular |= quotes & inside & !starts;
        self.irregular |= after_close & !(delimiters | line_end);
        self.irregular |= after_backslash & quotes;
        self.in_quotes = ((inside as i64) >> 63) as u64;
        self.starts_field = delimiters >> 63;
        self.after_close = closing >> 63;
        self.after_backslash = found.backslash >> 63;
        delimiters
    }
}

/// Bit `i` of the result is the parity of bits 0 to `i`.
#[inline(always)]
fn portable_prefix_xor(mut bits: u64) -> u64 {
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^ bits << 32
}

fn portable_masks(block: &[u8; BLOCK]) -> Masks {
    let mask_of = |wanted: u8| {
        block.iter().enumerate().fold(0u64, |mask, (bit, &byte)| mask | u64::from(byte == wanted) << bit)
    };
    Masks { space: mask_of(b' '), quote: mask_of(b'"'), newline: mask_of(b'\n'), backslash: mask_of(b'\\') }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m256i, _mm_clmulepi64_si128, _mm_cvtsi128_si64, _mm_set_epi64x, _mm_set1_epi8, _mm256_cmpeq_epi8,
        _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_set1_epi8,
    };

    use super::{BLOCK, FieldEnds, IndexedLine, Masks, index_line_with};

    /// Whether the processor has what the functions below are compiled for; all since 2013 have.
    #[inline]
    pub(super) fn is_available() -> bool {
        std::arch::is_x86_feature_detected!("avx2")
            && std::arch::is_x86_feature_detected!("bmi1")
            && std::arch::is_x86_feature_detected!("popcnt")
            && std::arch::is_x86_feature_detected!("pclmulqdq")
    }

    #[target_feature(enable = "avx2,bmi1,popcnt,pclmulqdq")]
    pub(super) fn index_line(text: &[u8], fields: &mut FieldEnds) -> IndexedLine {
        index_line_with(text, fields, |block| masks(block), |bits| prefix_xor(bits))
    }

    /// A multiplication by all ones without carries.
    #[target_feature(enable = "avx2,bmi1,popcnt,pclmulqdq")]
    #[inline]
    fn prefix_xor(bits: u64) -> u64 {
        let product = _mm_clmulepi64_si128::<0>(_mm_set_epi64x(0, bits as i64), _mm_set1_epi8(-1));
        _mm_cvtsi128_si64(product) as u64
    }

    #[target_feature(enable = "avx2,bmi1,popcnt,pclmulqdq")]
    #[inline]
    fn masks(block: &[u8; BLOCK]) -> Masks {
        let halves = block.as_ptr().cast::<__m256i>();
        // SAFETY: `block` is 64 bytes, so both halves are in bounds; the load needs no alignment.
        let (low, high) = unsafe { (_mm256_loadu_si256(halves), _mm256_loadu_si256(halves.add(1))) };
        let mask_of = |wanted: u8| {
            let wanted = _mm256_set1_epi8(wanted as i8);
            let low = _mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted)) as u32;
            let high = _mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted)) as u32;
            u64::from(high) << 32 | u64::from(low)
        };
        Masks {
            space: mask_of(b' '),
            quote: mask_of(b'"'),
            newline: mask_of(b'\n'),
            backslash: mask_of(b'\\'),
        }
    }
}

/// Splits one line by the rules of the format: a quote opens only at the start of a field, and
/// closes where a space or the line's end follows and no backslash precedes.
///
/// # Errors
///
/// [`Reason::UnclosedQuote`] at the quote that is never closed.
pub(super) fn split_leniently(line: &[u8], fields: &mut FieldEnds) -> Result<(), Reject> {
    fields.count = 0;
    let mut start = 0;
    loop {
        let end = if line.get(start) == Some(&b'"') {
            closing_quote(line, start).ok_or(Reject::at(Reason::UnclosedQuote, start))? + 1
        } else {
            memchr::memchr(b' ', &line[start..]).map_or(line.len(), |len| start + len)
        };
        fields.push(end);
        if end >= line.len() {
            return Ok(());
        }
        start = end + 1;
    }
}

fn closing_quote(line: &[u8], open: usize) -> Option<usize> {
    memchr::memchr_iter(b'"', &line[open + 1..])
        .map(|found| open + 1 + found)
        .find(|&quote| matches!(line.get(quote + 1), None | Some(b' ')) && line[quote - 1] != b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields_of<'a>(line: &'a [u8], ends: &FieldEnds) -> Vec<&'a [u8]> {
        (0..ends.count()).map(|index| ends.get(line, index).expect("counted")).collect()
    }

    fn check(line: &str, expected: &[&str]) {
        let mut ends = FieldEnds::new();
        let found = index_line(line.as_bytes(), &mut ends);
        if !found.is_regular {
            split_leniently(line.as_bytes(), &mut ends).expect("every quote is closed");
        }
        let expected: Vec<&[u8]> = expected.iter().map(|field| field.as_bytes()).collect();
        assert_eq!(fields_of(line.as_bytes(), &ends), expected, "{line}");
    }

    #[test]
    fn fields_are_split_at_spaces_outside_quotes() {
        check("a b c", &["a", "b", "c"]);
        check("a \"b c\" d", &["a", "\"b c\"", "d"]);
        check("\"\" \"\"", &["\"\"", "\"\""]);
        check("", &[""]);
        check("a ", &["a", ""]);
        check(r#"a "b \" c" d"#, &["a", r#""b \" c""#, "d"]);
        check(r#"a "say "hi" now" d"#, &["a", r#""say "hi""#, r#"now""#, "d"]);
        check(r#"a b"c d"e"#, &["a", r#"b"c"#, r#"d"e"#]);
    }

    #[test]
    fn a_cut_line_names_the_quote_that_stays_open() {
        let mut ends = FieldEnds::new();
        assert!(!index_line(b"a \"b c", &mut ends).is_regular);
        let reject = split_leniently(b"a \"b c", &mut ends).expect_err("cut");
        assert_eq!(reject, Reject { reason: Reason::UnclosedQuote, column: 3 });
    }

    #[test]
    fn an_odd_quote_does_not_reach_the_next_line() {
        let text = b"a \"b\nc \"d e\"\n";
        let mut ends = FieldEnds::new();
        let first = index_line(text, &mut ends);
        assert!(!first.is_regular);
        let second = index_line(&text[first.len + 1..], &mut ends);
        assert!(second.is_regular);
        assert_eq!(ends.count(), 2);
    }

    proptest::proptest! {
        #[test]
        fn masks_and_bytes_agree(line in r#"[a" \\]{0,200}"#) {
            let line = line.as_bytes();
            let mut ends = FieldEnds::new();
            let found = index_line(line, &mut ends);
            proptest::prop_assert_eq!(found.len, line.len());
            let mut portable = FieldEnds::new();
            let again = index_line_with(line, &mut portable, portable_masks, portable_prefix_xor);
            proptest::prop_assert_eq!(found.is_regular, again.is_regular);
            proptest::prop_assert_eq!(fields_of(line, &ends), fields_of(line, &portable));
            if found.is_regular {
                let mut lenient = FieldEnds::new();
                proptest::prop_assert!(split_leniently(line, &mut lenient).is_ok());
                proptest::prop_assert_eq!(fields_of(line, &ends), fields_of(line, &lenient));
            }
        }
    }
}
