//! What of a file cannot match, seen from its statistics and its filter alone.
//!
//! The answer is a bit per granule, so that parts of a query combine by AND and OR of whole words. Everything
//! errs to one side: a granule that is left out has no match for certain, one that is kept may have none. That
//! is why a NOT never leaves out anything: the granules of which a test is certain to match *all* rows are not
//! known.

use std::ops::Range;

use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::statistics::Statistics;
use weir_query::{FieldTest, Predicate};
use weir_record::{FieldKind, Timestamp, Value, known_field};

use crate::filter::{GRANULE_ROWS, GRANULES_ALL, value_hash, word_hash};
use crate::{FileMeta, StoredFile};

/// What is known of a file, for one query.
pub(crate) struct Pruning<'a> {
    predicate: &'a Predicate,
    span: &'a Range<Timestamp>,
    metadata: &'a ParquetMetaData,
    meta: &'a FileMeta,
    /// Whether the maps may hold a field.
    is_in_maps: &'a dyn Fn(&str) -> bool,
}

/// What is left of a row group.
pub(crate) struct PrunedRowGroup {
    /// Bit g: whether granule g may have a match.
    pub granules: u32,
    /// How many rows it has in all.
    pub rows: usize,
    /// The times between which its rows lie, in microseconds, both inclusive.
    pub times: (i64, i64),
}

/// A closed range of numbers.
type Bounds = (f64, f64);

impl<'a> Pruning<'a> {
    pub(crate) fn new(
        predicate: &'a Predicate,
        span: &'a Range<Timestamp>,
        meta: &'a FileMeta,
        is_in_maps: &'a dyn Fn(&str) -> bool,
    ) -> Self {
        Self { predicate, span, metadata: meta.arrow.metadata(), meta, is_in_maps }
    }

    /// What of a row group may match.
    pub(crate) fn row_group(&self, index: usize) -> PrunedRowGroup {
        let row_group = self.metadata.row_group(index);
        let rows = usize::try_from(row_group.num_rows()).unwrap_or(0);
        let times = time_bounds(row_group).unwrap_or((i64::MIN, i64::MAX));
        let group = Group { pruning: self, index, row_group, rows };
        let mut granules = group.every_granule();
        if times.1 < self.span.start.micros() || self.span.end.micros() <= times.0 {
            granules = 0;
        } else if times.0 < self.span.start.micros() || self.span.end.micros() <= times.1 {
            granules &= group.granules_in_span();
        }
        if granules != 0 {
            granules &= group.granules(self.predicate);
        }
        PrunedRowGroup { granules, rows, times }
    }
}

/// One row group of the file.
struct Group<'a> {
    pruning: &'a Pruning<'a>,
    index: usize,
    row_group: &'a RowGroupMetaData,
    rows: usize,
}

impl Group<'_> {
    fn every_granule(&self) -> u32 {
        bits(0..self.rows)
    }

    fn granules(&self, predicate: &Predicate) -> u32 {
        match predicate {
            Predicate::All | Predicate::Not(_) => GRANULES_ALL,
            Predicate::Nothing => 0,
            Predicate::And(parts) => parts.iter().fold(GRANULES_ALL, |left, part| {
                // What the cheap parts leave out is not looked for again.
                if left == 0 { 0 } else { left & self.granules(part) }
            }),
            Predicate::Or(parts) => parts.iter().fold(0, |found, part| found | self.granules(part)),
            Predicate::Field(test) => self.granules_of_test(test),
        }
    }

    fn granules_of_test(&self, test: &FieldTest) -> u32 {
        let mut granules = self.granules_by_column(test);
        if (self.pruning.is_in_maps)(&test.field) {
            granules |= self.granules_by_filter(test);
        }
        granules
    }

    /// Where the field's own column may match.
    fn granules_by_column(&self, test: &FieldTest) -> u32 {
        let Some((leaf, column)) = self.column(&test.field) else {
            return 0;
        };
        if is_without_values(column) {
            return 0;
        }
        match known_field(&test.field).map(|field| field.kind) {
            Some(FieldKind::Integer | FieldKind::Seconds) => match test.test.number_range() {
                Some(bounds) => self.granules_by_number(leaf, column, bounds),
                None => GRANULES_ALL,
            },
            Some(FieldKind::Time) | None => GRANULES_ALL,
            Some(_) => self.granules_by_filter(test),
        }
    }

    fn column(&self, name: &str) -> Option<(usize, &ColumnChunkMetaData)> {
        let mut columns = self.row_group.columns().iter().enumerate();
        columns.find(|(_, column)| is_column_of(column, name))
    }

    /// Where one of the texts, or all of the words, that a match must have may be.
    fn granules_by_filter(&self, test: &FieldTest) -> u32 {
        let Some(filter) = self.pruning.meta.filter.as_ref() else {
            return GRANULES_ALL;
        };
        let mut needles = test.test.needles();
        // The filter has the words of fields of words, and the whole values of the others.
        if known_field(&test.field).is_some_and(|field| field.kind == FieldKind::Words) {
            needles.values.clear();
        } else {
            needles.words.clear();
        }
        let look_up = |hash| filter.granules(self.index, hash);
        if needles.values.is_empty() {
            let words = needles.words.iter();
            return words.fold(GRANULES_ALL, |left, word| {
                if left == 0 { 0 } else { left & look_up(word_hash(&test.field, word)) }
            });
        }
        let values = needles.values.iter();
        values.fold(0, |found, value| found | look_up(value_hash(&test.field, value)))
    }

    fn granules_by_number(&self, leaf: usize, column: &ColumnChunkMetaData, bounds: Bounds) -> u32 {
        let is_apart =
            column.statistics().and_then(number_bounds).is_some_and(|known| are_apart(known, bounds));
        if is_apart {
            return 0;
        }
        self.granules_by_page(leaf, |page| match page {
            Page::Without => false,
            Page::Integers(min, max) => !are_apart((min as f64, max as f64), bounds),
            Page::Floats(min, max) => !are_apart((min, max), bounds),
            Page::Unknown => true,
        })
    }

    fn granules_in_span(&self) -> u32 {
        let Some((leaf, _)) = self.column("@timestamp") else {
            return GRANULES_ALL;
        };
        let (from, to) = (self.pruning.span.start.micros(), self.pruning.span.end.micros());
        self.granules_by_page(leaf, |page| match page {
            Page::Integers(min, max) => from <= max && min < to,
            _ => true,
        })
    }

    /// The granules that have a part in a page for which `may_match` holds.
    fn granules_by_page(&self, leaf: usize, may_match: impl Fn(Page) -> bool) -> u32 {
        let Some(pages) = pages(self.pruning.metadata, self.index, leaf) else {
            return GRANULES_ALL;
        };
        pages.filter(|(page, _)| may_match(*page)).fold(0, |granules, (_, rows)| granules | bits(rows))
    }
}

/// The pages of a column chunk, each with its rows; `None` where the file has no page index.
fn pages(
    metadata: &ParquetMetaData,
    row_group: usize,
    leaf: usize,
) -> Option<impl Iterator<Item = (Page, Range<usize>)>> {
    let provider = metadata.page_index()?;
    let index = provider.column_index(row_group, leaf)?;
    let places = provider.page_locations(row_group, leaf)?;
    let rows = metadata.row_group(row_group).num_rows();
    Some(places.iter().enumerate().map(move |(page, place)| {
        let next = places.get(page + 1).map_or(rows, |next| next.first_row_index);
        let row = |number: i64| usize::try_from(number).unwrap_or(0);
        (Page::of(index, page), row(place.first_row_index)..row(next))
    }))
}

/// The times between which some rows of a row group lie, in microseconds, both inclusive.
pub(crate) fn times_of_rows(meta: &FileMeta, row_group: usize, rows: Range<usize>) -> Option<(i64, i64)> {
    let metadata = meta.arrow.metadata();
    let columns = metadata.row_group(row_group).columns();
    let leaf = columns.iter().position(|column| is_column_of(column, "@timestamp"))?;
    let mut times: Option<(i64, i64)> = None;
    for (page, page_rows) in pages(metadata, row_group, leaf)? {
        if page_rows.end <= rows.start || rows.end <= page_rows.start {
            continue;
        }
        let Page::Integers(min, max) = page else {
            return None;
        };
        times = Some(times.map_or((min, max), |known| (known.0.min(min), known.1.max(max))));
    }
    times
}

/// Whether a column chunk is the whole of the column called `name`, rather than a part of a map.
fn is_column_of(column: &ColumnChunkMetaData, name: &str) -> bool {
    matches!(column.column_path().parts(), [root] if root == name)
}

/// What the index says of one page.
#[derive(Clone, Copy)]
enum Page {
    Without,
    Integers(i64, i64),
    Floats(f64, f64),
    Unknown,
}

impl Page {
    fn of(index: &ColumnIndexMetaData, page: usize) -> Self {
        if page as u64 >= index.num_pages() {
            return Self::Unknown;
        }
        if index.is_null_page(page) {
            return Self::Without;
        }
        match index {
            ColumnIndexMetaData::INT64(index) => match (index.min_value(page), index.max_value(page)) {
                (Some(&min), Some(&max)) => Self::Integers(min, max),
                _ => Self::Unknown,
            },
            ColumnIndexMetaData::DOUBLE(index) => match (index.min_value(page), index.max_value(page)) {
                (Some(&min), Some(&max)) => Self::Floats(min, max),
                _ => Self::Unknown,
            },
            _ => Self::Unknown,
        }
    }
}

/// The granules of some rows as bits. Rows behind the 32nd granule, which our files do not have, are all of them.
fn bits(rows: Range<usize>) -> u32 {
    if rows.is_empty() {
        return 0;
    }
    let (first, last) = (rows.start / GRANULE_ROWS, (rows.end - 1) / GRANULE_ROWS);
    if last >= 32 {
        return GRANULES_ALL;
    }
    (GRANULES_ALL >> (31 - last)) & (GRANULES_ALL << first)
}

/// Whether no number lies in both. Bounds that are no numbers are never apart from anything.
fn are_apart(one: Bounds, other: Bounds) -> bool {
    one.1 < other.0 || other.1 < one.0
}

/// Whether a column chunk has no value at all.
pub(crate) fn is_without_values(column: &ColumnChunkMetaData) -> bool {
    let nulls = column.statistics().and_then(Statistics::null_count_opt);
    nulls.is_some() && nulls == u64::try_from(column.num_values()).ok()
}

fn number_bounds(statistics: &Statistics) -> Option<Bounds> {
    match statistics {
        Statistics::Int64(values) => Some((*values.min_opt()? as f64, *values.max_opt()? as f64)),
        Statistics::Double(values) => Some((*values.min_opt()?, *values.max_opt()?)),
        _ => None,
    }
}

fn time_bounds(row_group: &RowGroupMetaData) -> Option<(i64, i64)> {
    let mut columns = row_group.columns().iter();
    let column = columns.find(|column| is_column_of(column, "@timestamp"))?;
    match column.statistics()? {
        Statistics::Int64(values) => Some((*values.min_opt()?, *values.max_opt()?)),
        _ => None,
    }
}

/// Whether a file may have a match, by the sources that it has records of.
pub(crate) fn may_match_names(predicate: &Predicate, stored: &StoredFile) -> bool {
    match predicate {
        Predicate::All | Predicate::Not(_) => true,
        Predicate::Nothing => false,
        Predicate::And(parts) => parts.iter().all(|part| may_match_names(part, stored)),
        Predicate::Or(parts) => parts.iter().any(|part| may_match_names(part, stored)),
        Predicate::Field(test) if *test.field == *"source" => {
            stored.sources_are_cut
                || stored.names.may_have("source")
                || stored.sources.iter().any(|source| test.matches(&Value::Text((&**source).into())))
        }
        Predicate::Field(test) => {
            // A field that is no column and in no map is nowhere in the file.
            is_column(&test.field) || stored.names.may_have(&test.field)
        }
    }
}

fn is_column(name: &str) -> bool {
    known_field(name).is_some() || crate::schema::column_index(name).is_some()
}
