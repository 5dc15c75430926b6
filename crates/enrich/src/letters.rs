//! Whether letters follow each other as in words.
//!
//! Digits alone do not tell a token from a name (`oauth2callback`, `4eC39HqLyjW`), and one random
//! token in twenty has none. What tells is whether its letters follow each other as they do in
//! words: a quarter of all letter pairs makes up five sixths of the pairs in words, and half of them
//! next to none. The table was counted over identifiers of Rust crates, names of npm packages and
//! words usual in URLs; prose reads differently. At the weights below, of 16 random letters and
//! digits one in a thousand reads like words, of 22 one in eight thousand; of camel-case names of 16
//! letters or more one in two hundred does not.

/// Whether the letters of `text` follow each other as in words: its [`word_score`] is not negative.
pub(crate) fn reads_like_words(text: &[u8]) -> bool {
    word_score(text) >= 0
}

/// How much the neighbours in `text` speak for words and against chance: about 2 a pair in words,
/// -2 a pair in random text.
///
/// Weights are the logarithms of how often words and random text have such a pair, rounded; a new
/// word within (`oB` of `fooBar`) and a digit beside a letter are more often chance, two digits or
/// punctuation say nothing.
pub(crate) fn word_score(text: &[u8]) -> i32 {
    let kinds = |byte: &u8| usize::from(KINDS[usize::from(*byte)]);
    let pairs = text.iter().map(kinds).zip(text.iter().skip(1).map(kinds));
    pairs.map(|(left, right)| i32::from(PAIR_WEIGHTS[left % 64][right % 64])).sum()
}

pub(crate) const DIGIT_BESIDE_LETTER: i32 = -3;

/// A length, to be weighed against a score.
pub(crate) fn signed(len: usize) -> i32 {
    i32::try_from(len).unwrap_or(i32::MAX)
}

const UPPER_KINDS: usize = 26;
const DIGIT_KIND: usize = 52;
const OTHER_KIND: usize = 53;

/// Lower-case letters are 0 to 25, capitals 26 to 51, digits 52, the rest 53.
const KINDS: [u8; 256] = {
    let mut kinds = [OTHER_KIND as u8; 256];
    let mut byte = 0;
    while byte < 256 {
        kinds[byte] = match byte as u8 {
            letter @ b'a'..=b'z' => letter - b'a',
            letter @ b'A'..=b'Z' => letter - b'A' + UPPER_KINDS as u8,
            b'0'..=b'9' => DIGIT_KIND as u8,
            _ => OTHER_KIND as u8,
        };
        byte += 1;
    }
    kinds
};

/// The weight of each pair of kinds; 64 to a row, so that an index is a shift.
static PAIR_WEIGHTS: [[i8; 64]; 64] = {
    let mut weights = [[0; 64]; 64];
    let mut left = 0;
    while left < OTHER_KIND {
        let mut right = 0;
        while right < OTHER_KIND {
            weights[left][right] = pair_weight(left, right);
            right += 1;
        }
        left += 1;
    }
    weights
};

const fn pair_weight(left: usize, right: usize) -> i8 {
    match (left < DIGIT_KIND, right < DIGIT_KIND) {
        (false, false) => 0,
        (true, true) if left < UPPER_KINDS && right >= UPPER_KINDS => -1,
        (true, true) => match LETTER_PAIRS[left % UPPER_KINDS][right % UPPER_KINDS] {
            b'+' => 2,
            b'.' => -1,
            _ => -5,
        },
        _ => DIGIT_BESIDE_LETTER as i8,
    }
}

/// A row for each first letter, a column for each second: `+` the 170 pairs that make up five
/// sixths of words and a quarter of random text, `-` the 346 that are one in forty and one in two.
const LETTER_PAIRS: [&[u8; 26]; 26] = [
    b"-+++-.+-+-.+++-+-++++...+-",
    b"+---+---+.-+--+.-..-+---.-",
    b"+-.-+--+.-++--+.-+++.---.-",
    b"+...+..-+-...-+.-..-.-.-.-",
    b"+++++.....-+++.+.+++.+++.-",
    b".---+.--+--.--+--....---.-",
    b".---+-..+--.-..--+.-.-----",
    b"+---+---.---.-+-..-..-----",
    b"+.+++++---.+++++-+++-+-.-+",
    b"----.---------.---+-------",
    b".---+---.----..---.-.-----",
    b"+...+---+-.+--+.--..+---.-",
    b"+.--+---+--..-++--.-.-----",
    b"+.+++++-+-..-.+.--++.+--.-",
    b"++++-.+-..++++++-++++.+..-",
    b"+-..+--.+--+--++-+.+.---.-",
    b"-----------.--------+-----",
    b"+.+++..-+-..+.+.-.++..--+-",
    b"+.+.+.-++-....++--+++..-.-",
    b"+.+-+.-++--...+.-++++---+-",
    b".+..+.+-.--+++.+-+++---.--",
    b"+---+---+-----.-----.-----",
    b"+---+---+----..--..-------",
    b".-.-.---.---.--.---.------",
    b"-.--.------...-+--..------",
    b".---.---.-----------------",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_like_words() {
        for name in
            ["getUserPreferences", "OrderManagementService", "internationalization", "webhook", "admin"]
        {
            assert!(reads_like_words(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn random_text_does_not() {
        for token in
            ["QxZvKpWqRtYbNmLk", "kqzjxwvbnmkqzjxw", "4eC39HqLyjWDarjtT1zdp7dc", "9m4e2mr0ui3e8a215n4g"]
        {
            assert!(!reads_like_words(token.as_bytes()), "{token}");
        }
    }

    #[test]
    fn weights_are_of_pairs_of_neighbours() {
        for (text, score) in [
            ("", 0),
            ("a", 0),
            ("in", 2),
            ("IN", 2),
            ("qz", -5),
            ("oB", -1),
            ("a1", -3),
            ("12", 0),
            ("a-b", 0),
        ] {
            assert_eq!(word_score(text.as_bytes()), score, "{text}");
        }
    }
}
