//! From samples to series: what all formats of a push have in common.
//!
//! A reader names families and gives samples one at a time; here they find their series. In text a histogram
//! is some 20 lines that belong together by their labels, so series are found by a hash of the label set's
//! bytes. Those bytes lie one behind the other in one buffer: a push of 50 series has a dozen allocations,
//! and staging takes the bytes as they are.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::clear_mode::CLEAR_MODE_LABEL;
use super::grouping::shown;
use super::{
    BUCKETS_MAX, ClearMode, END, FAMILIES_MAX, Grouping, HELP_BYTES_MAX, LABEL_SET_BYTES_MAX,
    LABEL_VALUE_BYTES_MAX, LABELS_MAX, PUSH_SERIES_MAX, Point, Problem, Push, PushedFamily, PushedHistogram,
    PushedValue, label_text, labels_of,
};
use crate::Kind;

/// What a sample is to its series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The number of a counter, gauge or untyped series.
    Value,
    /// A cumulative bucket; its bound comes with it.
    Bucket,
    /// The sum of observations.
    Sum,
    /// Their number.
    Count,
    /// Read over: a quantile, or a time of birth.
    Ignored,
}

/// A label of a sample.
pub(super) struct Label<'b> {
    pub name: &'b str,
    pub value: Cow<'b, str>,
    pub is_url: bool,
}

/// A family as far as it was declared.
pub(super) struct FamilyDraft<'b> {
    /// The name that is kept.
    pub name: Cow<'b, str>,
    pub help: Option<Cow<'b, str>>,
    /// `None` until it is declared: then it is untyped.
    pub kind: Option<Kind>,
    /// How its values are merged unless they say it: states of OpenMetrics never add.
    pub mode: Option<ClearMode>,
    pub has_samples: bool,
    /// Samples of it made a series; ignored ones make none.
    has_series: bool,
    is_cleared: bool,
}

/// A series whose samples are still coming.
struct Draft {
    family: u32,
    key: (u32, u32),
    url_labels: u64,
    mode: Option<ClearMode>,
    value: DraftValue,
    /// Where its first sample stands, for messages.
    offset: usize,
}

enum DraftValue {
    /// `None` until its sample comes.
    Number(Option<f64>),
    Distribution(Distribution),
}

#[derive(Default)]
struct Distribution {
    /// Bounds and cumulative counts.
    buckets: Vec<(f64, u64)>,
    /// The highest of the bounds.
    highest: Option<f64>,
    sum: Option<f64>,
    count: Option<u64>,
}

/// Collects the samples of one push.
pub(super) struct PushBuilder<'b> {
    grouping: &'b Grouping,
    pub families: Vec<FamilyDraft<'b>>,
    names: HashMap<Cow<'b, str>, u32, RandomState>,
    drafts: Vec<Draft>,
    keys: Vec<u8>,
    index: HashTable<u32>,
    hasher: RandomState,
    /// The labels of the sample that comes next, but for `le` and `quantile` of the format; taken by
    /// [`PushBuilder::add`].
    pub labels: Vec<Label<'b>>,
}

impl<'b> PushBuilder<'b> {
    /// `body_bytes` is the body's length, from which room is made: a line has some 100 bytes.
    pub(super) fn new(grouping: &'b Grouping, body_bytes: usize) -> Self {
        let series = (body_bytes / 100).min(PUSH_SERIES_MAX);
        Self {
            grouping,
            families: Vec::new(),
            names: HashMap::default(),
            drafts: Vec::with_capacity(series),
            keys: Vec::with_capacity(body_bytes.min(1 << 20)),
            index: HashTable::with_capacity(series),
            hasher: RandomState::default(),
            labels: Vec::new(),
        }
    }

    /// The family that is known by this name.
    pub(super) fn family_named(&self, name: &str) -> Option<usize> {
        self.names.get(name).map(|index| *index as usize)
    }

    /// A new family by this name.
    pub(super) fn new_family(&mut self, name: Cow<'b, str>) -> Result<usize, Problem> {
        if self.families.len() == FAMILIES_MAX {
            return Err(Problem::TooLarge);
        }
        let index = self.families.len();
        self.names.insert(name.clone(), index as u32);
        let draft = FamilyDraft {
            name,
            help: None,
            kind: None,
            mode: None,
            has_samples: false,
            has_series: false,
            is_cleared: false,
        };
        self.families.push(draft);
        Ok(index)
    }

    /// Gives a family the name it is kept by, beside the one it is known by.
    pub(super) fn rename(&mut self, family: usize, name: String) -> Result<(), Problem> {
        if self.names.insert(name.clone().into(), family as u32).is_some() {
            return Err(Problem::DeclaredTwice { keyword: "TYPE", name });
        }
        self.families[family].name = name.into();
        Ok(())
    }

    /// Adds a sample with the labels in `self.labels`; `bound` is a bucket's.
    pub(super) fn add(
        &mut self,
        family: usize,
        part: Part,
        bound: Option<f64>,
        value: f64,
        offset: usize,
    ) -> Result<(), Problem> {
        self.families[family].has_samples = true;
        let kind = self.families[family].kind.unwrap_or(Kind::Untyped);
        check_value(kind, part, value)?;
        if part == Part::Ignored {
            self.labels.clear();
            return Ok(());
        }
        let draft = self.draft(family, kind, offset)?;
        let is_first = match &mut draft.value {
            DraftValue::Number(number) => number.replace(value).is_none(),
            DraftValue::Distribution(distribution) => distribution.take(part, bound, value)?,
        };
        if is_first {
            return Ok(());
        }
        let (start, end) = draft.key;
        let labels = label_text(labels_of(&self.keys[start as usize..end as usize]));
        Err(Problem::Duplicate(format!("{}{labels}", self.families[family].name)))
    }

    /// The series of the labels in `self.labels`, new if there is none.
    fn draft(&mut self, family: usize, kind: Kind, offset: usize) -> Result<&mut Draft, Problem> {
        let start = self.keys.len();
        let (url_labels, mode) = self.write_key(kind)?;
        let family_index = family as u32;
        let (before, key) = self.keys.split_at(start);
        let hash = self.hasher.hash_one((family_index, key));
        let drafts = &self.drafts;
        let is_same = |index: &u32| {
            let draft = &drafts[*index as usize];
            draft.family == family_index && before[draft.key.0 as usize..draft.key.1 as usize] == *key
        };
        if let Some(index) = self.index.find(hash, is_same) {
            self.keys.truncate(start);
            return Ok(&mut self.drafts[*index as usize]);
        }
        if drafts.len() == PUSH_SERIES_MAX {
            return Err(Problem::TooLarge);
        }
        // A push has at most `PUSH_SERIES_MAX` keys of `LABEL_SET_BYTES_MAX`, which fits.
        let key = (start as u32, self.keys.len() as u32);
        let (keys, hasher) = (&self.keys, &self.hasher);
        self.index.insert_unique(hash, drafts.len() as u32, |index| {
            let draft = &drafts[*index as usize];
            hasher.hash_one((draft.family, &keys[draft.key.0 as usize..draft.key.1 as usize]))
        });
        let mode = mode.or(self.families[family].mode);
        self.families[family].has_series = true;
        self.families[family].is_cleared |= mode == Some(ClearMode::Family);
        let value = match kind {
            Kind::Histogram | Kind::Summary => DraftValue::Distribution(Distribution::default()),
            Kind::Counter | Kind::Gauge | Kind::Untyped => DraftValue::Number(None),
        };
        let at = self.drafts.len();
        self.drafts.push(Draft { family: family_index, key, url_labels, mode, value, offset });
        Ok(&mut self.drafts[at])
    }

    /// Appends the label set to `self.keys`, sorted by name; gives the URL's bits and the `clearmode`.
    fn write_key(&mut self, kind: Kind) -> Result<(u64, Option<ClearMode>), Problem> {
        let Self { labels, keys, grouping, .. } = self;
        let of_url = grouping.labels().map(|(name, value)| Label { name, value: value.into(), is_url: true });
        labels.extend(of_url);
        // Clients write them in the same order each time, often sorted.
        if !labels.is_sorted_by(|one, other| one.name < other.name) {
            labels.sort_unstable_by(|one, other| (one.name, one.is_url).cmp(&(other.name, other.is_url)));
        }
        let (start, mut url_labels, mut mode, mut written) = (keys.len(), 0_u64, None, 0_u32);
        for (at, label) in labels.iter().enumerate() {
            if let Some(next) = labels.get(at + 1).filter(|next| next.name == label.name) {
                check_twin(label, next)?;
                // The URL's stands in its place.
                continue;
            }
            if label.name == CLEAR_MODE_LABEL && !label.value.is_empty() {
                mode = Some(ClearMode::parse(&shown(&label.value))?);
                continue;
            }
            if label.value.is_empty() {
                continue;
            }
            check_format_label(kind, label.name)?;
            if label.value.len() > LABEL_VALUE_BYTES_MAX || written as usize == LABELS_MAX {
                return Err(Problem::LabelSetTooLarge);
            }
            keys.extend_from_slice(label.name.as_bytes());
            keys.push(END);
            keys.extend_from_slice(label.value.as_bytes());
            keys.push(END);
            url_labels |= u64::from(label.is_url) << written;
            written += 1;
        }
        labels.clear();
        if keys.len() - start > LABEL_SET_BYTES_MAX {
            return Err(Problem::LabelSetTooLarge);
        }
        Ok((url_labels, mode))
    }

    /// The push of all samples.
    ///
    /// # Errors
    ///
    /// A distribution that contradicts itself, with the offset of its first sample.
    pub(super) fn finish(self) -> Result<Push, (usize, Problem)> {
        let is_dropped = self.dropped_births();
        let mut points = Vec::with_capacity(self.drafts.len());
        let mut bounds: Arc<[f64]> = Arc::default();
        let kind_of = |family: &FamilyDraft<'_>| family.kind.unwrap_or(Kind::Untyped);
        for Draft { family, key, url_labels, mode, value, offset } in self.drafts {
            if is_dropped[family as usize] {
                continue;
            }
            let draft = &self.families[family as usize];
            let value = match value {
                DraftValue::Number(number) => PushedValue::Number(number.unwrap_or_default()),
                DraftValue::Distribution(distribution) => distribution
                    .finish(&draft.name, kind_of(draft), &mut bounds)
                    .map_err(|problem| (offset, problem))?,
            };
            points.push(Point { family, key, url_labels, mode, value });
        }
        let families = self.families.into_iter().zip(is_dropped).map(|(family, is_dropped)| PushedFamily {
            kind: kind_of(&family),
            help: cut(&family.help.unwrap_or_default()).into(),
            name: family.name.into_owned().into(),
            has_points: family.has_series && !is_dropped,
            is_cleared: family.is_cleared,
        });
        let families: Vec<PushedFamily> = families.collect();
        let mut by_name: Vec<u32> = (0..families.len() as u32).collect();
        by_name.sort_unstable_by_key(|index| &families[*index as usize].name);
        Ok(Push { families, by_name, points, keys: self.keys })
    }

    /// For each family, whether it is the births of another: client_python pushes them as gauges.
    fn dropped_births(&self) -> Vec<bool> {
        let is_birth = |family: &FamilyDraft<'b>| {
            birth_bases(&family.name, family.kind.unwrap_or(Kind::Untyped)).is_some_and(|bases| {
                bases.iter().any(|base| {
                    let kind = self.family_named(base).and_then(|index| self.families[index].kind);
                    kind.is_some_and(has_births)
                })
            })
        };
        self.families.iter().map(is_birth).collect()
    }
}

/// The names of the families whose births a family of this name and type may be.
pub(super) fn birth_bases(name: &str, kind: Kind) -> Option<[String; 2]> {
    let base = name.strip_suffix("_created")?;
    matches!(kind, Kind::Gauge | Kind::Untyped).then(|| [base.to_owned(), format!("{base}_total")])
}

/// Whether client libraries tell the births of series of this type.
pub(super) fn has_births(kind: Kind) -> bool {
    matches!(kind, Kind::Counter | Kind::Histogram | Kind::Summary)
}

fn check_value(kind: Kind, part: Part, value: f64) -> Result<(), Problem> {
    let what = match (kind, part) {
        (Kind::Counter, Part::Value) if !value.is_finite() || value < 0.0 => "a counter",
        (Kind::Histogram | Kind::Summary, Part::Sum) if !value.is_finite() => "a sum of observations",
        (_, Part::Count | Part::Bucket) if whole(value).is_none() => "a number of observations",
        _ => return Ok(()),
    };
    Err(Problem::Value { what, value })
}

fn check_twin(label: &Label<'_>, next: &Label<'_>) -> Result<(), Problem> {
    match (label.is_url, next.is_url) {
        (false, true) if label.value == next.value => Ok(()),
        (false, true) => Err(Problem::LabelInUrl(label.name.to_owned())),
        _ => Err(Problem::LabelTwice(label.name.to_owned())),
    }
}

/// A label that the format writes itself would stand twice in a scrape.
fn check_format_label(kind: Kind, name: &str) -> Result<(), Problem> {
    let label = match kind {
        Kind::Histogram => "le",
        Kind::Summary => "quantile",
        Kind::Counter | Kind::Gauge | Kind::Untyped => return Ok(()),
    };
    if name == label { Err(Problem::FormatLabel { kind: kind.as_str(), label }) } else { Ok(()) }
}

/// The count that a float is, where it is one.
fn whole(value: f64) -> Option<u64> {
    const BEYOND_U64: f64 = 18_446_744_073_709_551_616.0;
    let is_whole = (0.0..BEYOND_U64).contains(&value) && value.trunc() == value;
    is_whole.then_some(value as u64)
}

/// `help` without blanks before it, which text cannot tell, and up to the last character that fits.
fn cut(help: &str) -> String {
    let mut help = help.trim_start_matches([' ', '\t']).to_owned();
    if help.len() > HELP_BYTES_MAX {
        let end = (0..=HELP_BYTES_MAX).rev().find(|at| help.is_char_boundary(*at));
        help.truncate(end.unwrap_or(0));
    }
    help
}

impl Distribution {
    /// Takes a sample; false where it has one already.
    fn take(&mut self, part: Part, bound: Option<f64>, value: f64) -> Result<bool, Problem> {
        match (part, bound) {
            (Part::Sum, _) => Ok(self.sum.replace(value).is_none()),
            (Part::Count, _) => Ok(self.count.replace(value as u64).is_none()),
            (Part::Bucket, Some(bound)) => {
                if self.buckets.len() > BUCKETS_MAX {
                    return Err(Problem::TooManyBuckets);
                }
                // They come in rising order from every client; others are compared, and sorted in the end.
                let is_highest = self.highest.is_none_or(|highest| highest < bound);
                let is_new = is_highest || self.buckets.iter().all(|(known, _)| *known != bound);
                if is_highest {
                    self.highest = Some(bound);
                }
                self.buckets.push((bound, value as u64));
                Ok(is_new)
            }
            _ => Ok(false),
        }
    }

    /// The value; `bounds` are those of the distribution before, shared where they are the same.
    fn finish(mut self, name: &str, kind: Kind, bounds: &mut Arc<[f64]>) -> Result<PushedValue, Problem> {
        self.buckets.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
        let infinity = self.buckets.pop_if(|(bound, _)| *bound == f64::INFINITY).map(|(_, count)| count);
        let count = match (self.count, infinity) {
            (Some(count), Some(infinity)) if count != infinity => {
                return Err(Problem::CountsDiffer { name: name.to_owned(), count, infinity });
            }
            (Some(count), _) | (None, Some(count)) => count,
            (None, None) => return Err(Problem::NoCount(name.to_owned())),
        };
        let sum = self.sum.unwrap_or_default();
        if kind == Kind::Summary {
            return Ok(PushedValue::Summary { sum, count });
        }
        let mut counts = Vec::with_capacity(self.buckets.len() + 1);
        let mut before = 0_u64;
        for cumulative in self.buckets.iter().map(|(_, count)| *count).chain([count]) {
            let more = cumulative.checked_sub(before);
            counts.push(more.ok_or_else(|| Problem::BucketsFall(name.to_owned()))?);
            before = cumulative;
        }
        let own = self.buckets.iter().map(|(bound, _)| bound);
        if !own.clone().eq(bounds.iter()) {
            *bounds = own.copied().collect();
        }
        let bounds = Arc::clone(bounds);
        Ok(PushedValue::Histogram(Box::new(PushedHistogram { bounds, counts: counts.into(), sum })))
    }
}
