//! Why a push is refused, told to who wrote the pusher.
//!
//! A push that cannot be read ([`PushError`]) never can, whatever is known; one that does not fit
//! ([`PushRefused`]) may fit after a DELETE or with a larger budget. The two are apart because the first is
//! found without the lock on the series, and each has its own status in HTTP.

use thiserror::Error;

use super::clear_mode::KNOWN_MODES;
use super::{
    BUCKETS_MAX, FAMILIES_MAX, LABEL_SET_BYTES_MAX, LABEL_VALUE_BYTES_MAX, LABELS_MAX, NAME_BYTES_MAX,
    PUSH_SERIES_MAX,
};

/// A push that cannot be read, and where.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum PushError {
    /// In a text format.
    #[error("line {line}, column {column}: {problem}")]
    Text {
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What is wrong.
        problem: Problem,
    },
    /// In protobuf.
    #[error("protobuf{}{family}: {problem}", if .family.is_empty() { "" } else { " family " })]
    Protobuf {
        /// The family's name, as much of it as a message should repeat; empty where the problem names it.
        family: String,
        /// What is wrong.
        problem: Problem,
    },
    /// In the labels of the URL.
    #[error("labels of the URL: {0}")]
    Url(Problem),
}

/// What is wrong in a push.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Problem {
    /// The body is no UTF-8.
    #[error("this is not UTF-8")]
    NotUtf8,
    /// Something else stands there.
    #[error("expected {0}")]
    Expected(&'static str),
    /// The last line has no end, so it may have been cut in a number.
    #[error("the last line has no line end, so the text may be cut; end it with a newline")]
    Unfinished,
    /// OpenMetrics without its last line.
    #[error("OpenMetrics ends with the line `# EOF`, so this may be cut")]
    NoEof,
    /// Something behind `# EOF`.
    #[error("nothing may follow `# EOF`")]
    AfterEof,
    /// A name with other characters, or too long.
    #[error("`{0}` is no valid name; names have letters, digits and `_`, and at most {NAME_BYTES_MAX} bytes")]
    Name(String),
    /// A label name that is kept for Prometheus.
    #[error("the label `{0}` is reserved: names beginning with `__` are Prometheus' own")]
    ReservedLabel(String),
    /// The same label twice in one set.
    #[error("the label `{0}` stands twice in one set")]
    LabelTwice(String),
    /// A label that URL and body have with different values.
    #[error("the label `{0}` has one value in the URL and another in the body")]
    LabelInUrl(String),
    /// `le` or `quantile` where it belongs to the format.
    #[error("a {kind} may not have a label `{label}` here")]
    FormatLabel {
        /// The type's word.
        kind: &'static str,
        /// The label.
        label: &'static str,
    },
    /// A bucket without its bound.
    #[error("a bucket needs a label `le`")]
    NoBound,
    /// A label set beyond a bound.
    #[error(
        "the label set is too large; at most {LABELS_MAX} labels, values of {LABEL_VALUE_BYTES_MAX} bytes, \
         {LABEL_SET_BYTES_MAX} bytes in all"
    )]
    LabelSetTooLarge,
    /// A number that cannot be read.
    #[error("`{0}` is no number")]
    Number(String),
    /// A value that its type cannot have.
    #[error("{what} cannot be {value}")]
    Value {
        /// What has the value.
        what: &'static str,
        /// The value.
        value: f64,
    },
    /// `# TYPE` with an unknown word.
    #[error(
        "`{0}` is no type that can be merged; known are `counter`, `gauge`, `histogram`, `summary`, `untyped`"
    )]
    Type(String),
    /// A second `# TYPE` or `# HELP`, or one behind samples.
    #[error("a second {keyword} for `{name}`, or one after its samples")]
    DeclaredTwice {
        /// `TYPE` or `HELP`.
        keyword: &'static str,
        /// The family.
        name: String,
    },
    /// A sample that is none of its family's.
    #[error("`{name}` is no sample of a {kind}; expected {expected}")]
    Sample {
        /// The sample's name.
        name: String,
        /// The family's type.
        kind: &'static str,
        /// The names it may have.
        expected: &'static str,
    },
    /// A series twice in a push.
    #[error("duplicate labels: {0}")]
    Duplicate(String),
    /// Buckets whose counts fall.
    #[error("the buckets of `{0}` go down: each counts what the one before counts, and more")]
    BucketsFall(String),
    /// The last bucket and the count differ.
    #[error("`{name}` has a count of {count}, but its bucket `+Inf` has {infinity}")]
    CountsDiffer {
        /// The family.
        name: String,
        /// `_count`.
        count: u64,
        /// The bucket `+Inf`.
        infinity: u64,
    },
    /// Neither `_count` nor `+Inf`.
    #[error("`{0}` has neither a count nor a bucket `+Inf`")]
    NoCount(String),
    /// A histogram whose buckets are all native.
    #[error("it has native buckets only, which are not merged; push classic buckets beside them")]
    NativeOnly,
    /// A count that is no whole number.
    #[error("histograms whose counts are no whole numbers are not merged")]
    FloatHistogram,
    /// More buckets than the bound.
    #[error("a histogram has at most {BUCKETS_MAX} buckets")]
    TooManyBuckets,
    /// A merge mode that is not known.
    #[error("`clearmode` is `{0}`; known are {KNOWN_MODES}")]
    ClearMode(String),
    /// More series than one push may have.
    #[error("a push has at most {PUSH_SERIES_MAX} series and {FAMILIES_MAX} families")]
    TooLarge,
    /// A length that leads beyond the end.
    #[error("the protobuf is cut or damaged")]
    Protobuf,
}

/// A push that does not fit to what is known. Nothing of it was counted.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum PushRefused {
    /// The family is known with another type.
    #[error("cannot merge metric '{name}': type {known} != {pushed}")]
    TypeClash {
        /// The family.
        name: String,
        /// The type it has.
        known: &'static str,
        /// The type that was pushed.
        pushed: &'static str,
    },
    /// A name that another family's samples have, such as `x_count` beside a histogram `x`.
    #[error("cannot add metric '{name}': its samples would have the names of metric '{other}'")]
    NameClash {
        /// The family that was pushed.
        name: String,
        /// The one that is known.
        other: String,
    },
    /// Histograms whose buckets cannot be merged exactly.
    #[error(
        "cannot merge metric '{name}': its buckets are {known} and those pushed {pushed}; \
         one list must contain the other"
    )]
    BucketsDiffer {
        /// The family.
        name: String,
        /// The bounds that are known.
        known: String,
        /// The bounds that were pushed.
        pushed: String,
    },
    /// The sum would be no number any more.
    #[error(
        "cannot add {value} to metric '{name}': the sum would be no number for ever; \
         use the label clearmode=\"replace\""
    )]
    NotFinite {
        /// The family.
        name: String,
        /// What was pushed.
        value: f64,
    },
    /// The series is one that weir counts itself.
    #[error("{name}{labels} is counted by weir itself; push it with another label")]
    Own {
        /// The family.
        name: String,
        /// The label set.
        labels: String,
    },
    /// More series or families than the budget.
    #[error("the budget of {max} pushed {what} is used up; delete some, or raise it")]
    OverBudget {
        /// `series` or `families`.
        what: &'static str,
        /// How many there may be.
        max: usize,
    },
}

/// What weir itself counts does not fit to what others pushed. Nothing of it was added.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum AdditionRefused {
    /// There is a family of this name already, which is not weir's.
    #[error("`{0}` was pushed by somebody; delete what was pushed, or declare another name")]
    Pushed(String),
    /// It is weir's, or new, and does not fit all the same.
    #[error(transparent)]
    DoesNotFit(#[from] PushRefused),
}

/// Rows that this version cannot have written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RestoreError {
    /// A series whose family has no row.
    #[error("a stored series belongs to no stored family: {0}")]
    NoFamily(String),
    /// A series whose value is not of its family's type, or whose key has no end of a name.
    #[error("a stored series of family `{0}` is damaged")]
    Damaged(String),
}
