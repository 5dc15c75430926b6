//! Pushes that are merged but not yet durable: an overlay over the series.
//!
//! Several pushes are written in one commit, each on top of the one before. What they change lies here until
//! the commit holds, so that a failed one leaves nothing to take back, and a scrape never shows what a crash
//! could still undo. Each push is first tried as a whole and then entered, so a refused one leaves no trace.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::builder::{birth_bases, has_births};
use super::store::FamilyTable;
use super::value::Unmergeable;
use super::{
    ClearMode, FAMILIES_MAX, FamilyChange, Grouping, Point, Push, PushRefused, PushedFamily, PushedSeries,
    PushedValue, SeriesChange, StoredFamily, StoredSeries, label_text, labels_of,
};
use crate::Kind;

/// Whether there is a series of this family and label set.
pub type HasSeriesFn<'a> = dyn Fn(&str, &[(&str, &str)]) -> bool + 'a;

/// What weir itself exposes, which pushes may not touch.
#[derive(Clone, Copy)]
pub struct OwnSeries<'a> {
    /// The type of weir's own family of a name, whether it has series yet or not.
    pub kind_of: &'a dyn Fn(&str) -> Option<Kind>,
    /// Whether weir has a series of this family and label set (sorted by name, no empty value). Asked only
    /// for families that it has.
    pub has_series: &'a HasSeriesFn<'a>,
}

impl OwnSeries<'_> {
    /// Weir exposes nothing.
    pub const NONE: OwnSeries<'static> = OwnSeries { kind_of: &|_| None, has_series: &|_, _| false };
}

/// Changes of several pushes and deletions over one state of [`PushedSeries`].
#[derive(Debug)]
pub struct Staged {
    pub(super) families: Vec<StagedFamily>,
    names: HashMap<Arc<str>, usize, RandomState>,
    /// What the series and families will be more, or fewer.
    series_delta: isize,
    families_delta: isize,
}

/// A family with changes.
#[derive(Debug)]
pub(super) struct StagedFamily {
    pub name: Arc<str>,
    pub kind: Kind,
    pub help: Arc<str>,
    pub series: HashTable<StagedRow>,
    /// How many series it will have.
    series_count: usize,
    /// Its row is written too: it is new, or was emptied and made again.
    is_row_changed: bool,
}

/// A series with a change; `None` where it is gone.
#[derive(Debug)]
pub(super) struct StagedRow {
    pub hash: u64,
    pub key: Arc<[u8]>,
    pub stored: Option<StoredSeries>,
}

impl StagedFamily {
    /// Whether it will have series; without any it is gone, and its name is free for another type.
    pub(super) fn is_alive(&self) -> bool {
        self.series_count > 0
    }

    /// Enters a row; `is_new` says whether there was none, where the overlay cannot tell.
    fn put(&mut self, row: StagedRow, is_new: bool) {
        match self.series.find_mut(row.hash, |known| known.key == row.key) {
            Some(known) => {
                self.series_count += usize::from(row.stored.is_some());
                self.series_count -= usize::from(known.stored.is_some());
                known.stored = row.stored;
            }
            None => {
                self.series_count += usize::from(is_new);
                self.series.insert_unique(row.hash, row, |row| row.hash);
            }
        }
    }
}

/// A family of a push, and what it meets.
#[derive(Default)]
pub(super) struct Meeting<'s> {
    base: Option<&'s FamilyTable>,
    staged: Option<usize>,
    /// How many of its series go, because a point clears the family.
    cleared: usize,
    is_new: bool,
    is_own: bool,
    /// Its points are the births of another family.
    is_dropped: bool,
}

/// A point's place and value, ready to be entered.
pub(super) struct Merged {
    family: u32,
    pub row: StagedRow,
    /// There was no series of this key, neither staged nor below.
    is_new: bool,
}

impl Staged {
    pub(super) fn new(hasher: RandomState) -> Self {
        Self { families: Vec::new(), names: HashMap::with_hasher(hasher), series_delta: 0, families_delta: 0 }
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.families.is_empty()
    }

    /// The rows of families to write or to remove.
    pub fn family_changes(&self) -> impl Iterator<Item = FamilyChange<'_>> {
        let changed = self.families.iter().filter(|family| family.is_row_changed || !family.is_alive());
        changed.map(|family| FamilyChange {
            name: &family.name,
            row: family
                .is_alive()
                .then(|| StoredFamily { kind: family.kind, help: family.help.as_ref().into() }),
        })
    }

    /// The rows of series to write or to remove; one that was never written may be among the removed.
    pub fn series_changes(&self) -> impl Iterator<Item = SeriesChange<'_>> {
        self.families.iter().flat_map(|family| {
            family.series.iter().map(|row| SeriesChange {
                family: &family.name,
                labels: &row.key,
                row: row.stored.as_ref(),
            })
        })
    }

    fn family(&self, name: &str) -> Option<usize> {
        self.names.get(name).copied()
    }

    /// The URL's bits of any series that is staged in a family; `None` where none is.
    pub(super) fn url_labels_of_any(&self, family: &str) -> Option<u64> {
        let mut rows = self.families[self.family(family)?].series.iter();
        rows.find_map(|row| row.stored.as_ref()).map(|stored| stored.url_labels)
    }

    /// Whether there will be a series; `None` where nothing is staged about it.
    pub(super) fn has_series(&self, family: &str, hash: u64, key: &[u8]) -> Option<bool> {
        let family = &self.families[self.family(family)?];
        family.series.find(hash, |row| *row.key == *key).map(|row| row.stored.is_some())
    }

    /// The staged family of this name, made from what is below it or, where nothing is, from `kind` and
    /// `help`.
    fn family_or_new(&mut self, name: &str, base: Option<&FamilyTable>, kind: Kind, help: &str) -> usize {
        if let Some(at) = self.family(name) {
            let family = &mut self.families[at];
            if !family.is_alive() {
                family.kind = kind;
                family.help = help.into();
                family.is_row_changed = true;
            }
            return at;
        }
        let name: Arc<str> = name.into();
        let at = self.families.len();
        self.names.insert(Arc::clone(&name), at);
        self.families.push(StagedFamily {
            name,
            kind: base.map_or(kind, |base| base.kind),
            help: base.map_or_else(|| help.into(), |base| Arc::clone(&base.help)),
            series: HashTable::new(),
            series_count: base.map_or(0, |base| base.series.len()),
            is_row_changed: base.is_none(),
        });
        at
    }

    /// Marks those series of a staged family as gone that `is_gone` says, by their label set and URL's bits.
    fn remove(&mut self, at: usize, base: Option<&FamilyTable>, is_gone: impl Fn(&[u8], u64) -> bool) {
        let family = &mut self.families[at];
        let before = family.series_count;
        for row in family.series.iter_mut() {
            if row.stored.as_ref().is_some_and(|stored| is_gone(&row.key, stored.url_labels)) {
                row.stored = None;
                family.series_count -= 1;
            }
        }
        for row in base.into_iter().flat_map(|base| base.series.iter()) {
            let is_staged = family.series.find(row.hash, |staged| staged.key == row.key).is_some();
            if !is_staged && is_gone(&row.key, row.stored.url_labels) {
                let gone = StagedRow { hash: row.hash, key: Arc::clone(&row.key), stored: None };
                family.series.insert_unique(row.hash, gone, |row| row.hash);
                family.series_count -= 1;
            }
        }
        self.series_delta -= (before - family.series_count) as isize;
    }
}

impl PushedSeries {
    /// Merges a push onto `staged`, which must be of this state of the series; all of it or nothing.
    ///
    /// # Errors
    ///
    /// What does not fit. `staged` is as it was.
    pub fn stage(&self, staged: &mut Staged, push: &Push, own: OwnSeries<'_>) -> Result<(), PushRefused> {
        let mut meetings = Vec::with_capacity(push.families.len());
        for family in &push.families {
            if family.has_points && self.is_declared(staged, &family.name) == Some(true) {
                let labels = "{}".to_owned();
                return Err(PushRefused::Own { name: family.name.to_string(), labels });
            }
            meetings.push(self.meet(staged, push, family, own)?);
        }
        let mut merged = Vec::with_capacity(push.points.len());
        for point in &push.points {
            if !meetings[point.family as usize].is_dropped {
                merged.push(self.merged(staged, push, point, &meetings, own)?);
            }
        }
        self.check_budget(staged, &meetings, &merged)?;
        self.enter(staged, push, &meetings, merged);
        Ok(())
    }

    /// Removes the series whose labels from the URL are exactly `grouping`'s, and says how many they were.
    /// A series is in the group of the push that made it.
    pub fn stage_delete(&self, staged: &mut Staged, grouping: &Grouping) -> usize {
        let wanted: Vec<(&str, &str)> = grouping.kept().collect();
        let is_of_group = |key: &[u8], url_labels: u64| {
            url_labels.count_ones() as usize == wanted.len() && {
                let is_url = |at: usize| at < u64::BITS as usize && url_labels >> at & 1 == 1;
                let of_url = labels_of(key).enumerate().filter(|(at, _)| is_url(*at));
                of_url.map(|(_, label)| label).eq(wanted.iter().copied())
            }
        };
        let before = staged.series_delta;
        let names: Vec<Arc<str>> =
            self.families.keys().chain(staged.families.iter().map(|family| &family.name)).cloned().collect();
        for name in names {
            let base = self.families.get(&name);
            let below = base.into_iter().flat_map(|base| base.series.iter());
            let has_any = staged.family(&name).is_some()
                || below.into_iter().any(|row| is_of_group(&row.key, row.stored.url_labels));
            if has_any {
                self.stage_removal(staged, &name, is_of_group);
            }
        }
        (before - staged.series_delta) as usize
    }

    /// Removes those series of a family that `is_gone` says, by their label set and URL's bits.
    pub(super) fn stage_removal(
        &self,
        staged: &mut Staged,
        name: &str,
        is_gone: impl Fn(&[u8], u64) -> bool,
    ) {
        let base = self.families.get(name);
        let at = staged.family_or_new(name, base, Kind::Untyped, "");
        let was_alive = staged.families[at].is_alive();
        staged.remove(at, base, is_gone);
        staged.families_delta -= isize::from(was_alive && !staged.families[at].is_alive());
    }

    /// How many series a family will have.
    pub(super) fn family_series_count(&self, staged: &Staged, name: &str) -> usize {
        match staged.family(name) {
            Some(at) => staged.families[at].series_count,
            None => self.families.get(name).map_or(0, |table| table.series.len()),
        }
    }

    /// How many series there will be.
    pub(super) fn staged_series_count(&self, staged: &Staged) -> usize {
        self.series_count.saturating_add_signed(staged.series_delta)
    }

    /// What a family of the push meets; its type must be the one that is known.
    pub(super) fn meet(
        &self,
        staged: &Staged,
        push: &Push,
        family: &PushedFamily,
        own: OwnSeries<'_>,
    ) -> Result<Meeting<'_>, PushRefused> {
        if !family.has_points {
            return Ok(Meeting::default());
        }
        let base = self.families.get(&*family.name);
        let at = staged.family(&family.name);
        let known = match at {
            Some(at) => Some(&staged.families[at]).filter(|known| known.is_alive()).map(|known| known.kind),
            None => base.map(|base| base.kind),
        };
        let own_kind = (own.kind_of)(&family.name);
        if let Some(known) = own_kind.or(known).filter(|known| *known != family.kind) {
            return Err(PushRefused::TypeClash {
                name: family.name.to_string(),
                known: known.as_str(),
                pushed: family.kind.as_str(),
            });
        }
        let is_dropped = known.is_none() && self.is_birth(staged, family);
        if known.is_none() && !is_dropped {
            self.check_sample_names(staged, push, family, own)?;
        }
        let count = at
            .map_or_else(|| base.map_or(0, |base| base.series.len()), |at| staged.families[at].series_count);
        let cleared = if family.is_cleared { count } else { 0 };
        let is_own = own_kind.is_some();
        Ok(Meeting { base, staged: at, cleared, is_new: known.is_none(), is_own, is_dropped })
    }

    /// The type of the family that is known by this name, staged or durable.
    fn known_kind(&self, staged: &Staged, name: &str) -> Option<Kind> {
        match staged.family(name) {
            Some(at) => {
                Some(&staged.families[at]).filter(|family| family.is_alive()).map(|family| family.kind)
            }
            None => self.families.get(name).map(|family| family.kind),
        }
    }

    fn is_birth(&self, staged: &Staged, family: &PushedFamily) -> bool {
        let bases = birth_bases(&family.name, family.kind);
        bases.is_some_and(|bases| {
            bases.iter().any(|base| self.known_kind(staged, base).is_some_and(has_births))
        })
    }

    /// A new family's samples may not have the names of another's: a scrape would have them twice.
    fn check_sample_names(
        &self,
        staged: &Staged,
        push: &Push,
        family: &PushedFamily,
        own: OwnSeries<'_>,
    ) -> Result<(), PushRefused> {
        let kind_of = |name: &str| {
            (own.kind_of)(name).or_else(|| self.known_kind(staged, name)).or_else(|| push.kind_of(name))
        };
        let clash = |other: String| Err(PushRefused::NameClash { name: family.name.to_string(), other });
        for suffix in ["_bucket", "_sum", "_count"] {
            if let Some(base) = family.name.strip_suffix(suffix) {
                let is_taken = match kind_of(base) {
                    Some(Kind::Histogram) => true,
                    Some(Kind::Summary) => suffix != "_bucket",
                    _ => false,
                };
                if is_taken {
                    return clash(base.to_owned());
                }
            }
            let has_it = match family.kind {
                Kind::Histogram => true,
                Kind::Summary => suffix != "_bucket",
                Kind::Counter | Kind::Gauge | Kind::Untyped => false,
            };
            let other = format!("{}{suffix}", family.name);
            if has_it && kind_of(&other).is_some() {
                return clash(other);
            }
        }
        Ok(())
    }

    /// A point merged with what is there.
    pub(super) fn merged(
        &self,
        staged: &Staged,
        push: &Push,
        point: &Point,
        meetings: &[Meeting<'_>],
        own: OwnSeries<'_>,
    ) -> Result<Merged, PushRefused> {
        let (family, meeting) = (&push.families[point.family as usize], &meetings[point.family as usize]);
        let key = &push.keys[point.key.0 as usize..point.key.1 as usize];
        if meeting.is_own {
            check_own(&family.name, key, own)?;
        }
        let hash = self.hasher.hash_one(key);
        let over =
            meeting.staged.and_then(|at| staged.families[at].series.find(hash, |row| *row.key == *key));
        let below = || meeting.base.and_then(|base| base.find(hash, key));
        let (shared_key, known) = match over {
            Some(row) => (Some(&row.key), row.stored.as_ref()),
            None => below().map_or((None, None), |row| (Some(&row.key), Some(&row.stored))),
        };
        let known = known.filter(|_| !family.is_cleared);
        let mode = point.mode.unwrap_or(match family.kind {
            Kind::Gauge => self.options.gauges.into(),
            _ => ClearMode::Sum,
        });
        let value = merged_value(known.map(|known| &known.value), &point.value, mode)
            .map_err(|why| unmergeable(&family.name, why))?;
        let url_labels = known.map_or(point.url_labels, |known| known.url_labels);
        let stored = Some(StoredSeries { url_labels, value });
        let key = shared_key.map_or_else(|| Arc::from(key), Arc::clone);
        Ok(Merged { family: point.family, row: StagedRow { hash, key, stored }, is_new: known.is_none() })
    }

    /// Only what adds is refused: with a budget that was lowered, known series still count.
    fn check_budget(
        &self,
        staged: &Staged,
        meetings: &[Meeting<'_>],
        merged: &[Merged],
    ) -> Result<(), PushRefused> {
        let new_series = merged.iter().filter(|merged| merged.is_new).count();
        let cleared: usize = meetings.iter().map(|meeting| meeting.cleared).sum();
        let series = (self.series_count + new_series).saturating_add_signed(staged.series_delta);
        if new_series > cleared && series > self.options.series_max + cleared {
            return Err(PushRefused::OverBudget { what: "series", max: self.options.series_max });
        }
        let new_families = meetings.iter().filter(|meeting| meeting.is_new).count();
        let families = (self.families.len() + new_families).saturating_add_signed(staged.families_delta);
        if new_families > 0 && families > FAMILIES_MAX {
            return Err(PushRefused::OverBudget { what: "families", max: FAMILIES_MAX });
        }
        Ok(())
    }

    /// Enters what was found to fit.
    pub(super) fn enter(
        &self,
        staged: &mut Staged,
        push: &Push,
        meetings: &[Meeting<'_>],
        merged: Vec<Merged>,
    ) {
        let mut places: Vec<Option<usize>> = vec![None; meetings.len()];
        for merged in merged {
            let index = merged.family as usize;
            let (family, meeting) = (&push.families[index], &meetings[index]);
            let at = *places[index].get_or_insert_with(|| {
                let at = staged.family_or_new(&family.name, meeting.base, family.kind, &family.help);
                staged.families_delta += isize::from(meeting.is_new);
                if family.is_cleared {
                    staged.remove(at, meeting.base, |_, _| true);
                }
                at
            });
            staged.series_delta += isize::from(merged.is_new);
            staged.families[at].put(merged.row, merged.is_new);
        }
    }
}

fn check_own(name: &str, key: &[u8], own: OwnSeries<'_>) -> Result<(), PushRefused> {
    let labels: Vec<(&str, &str)> = labels_of(key).collect();
    if (own.has_series)(name, &labels) {
        return Err(PushRefused::Own { name: name.to_owned(), labels: label_text(labels) });
    }
    Ok(())
}

fn merged_value(
    known: Option<&PushedValue>,
    pushed: &PushedValue,
    mode: ClearMode,
) -> Result<PushedValue, Unmergeable> {
    match (mode, known) {
        (ClearMode::Replace | ClearMode::Family, _) => Ok(pushed.clone()),
        (ClearMode::Sum, None) => pushed.check_can_add().map(|()| pushed.clone()),
        (ClearMode::Sum, Some(known)) => known.sum(pushed),
    }
}

pub(super) fn unmergeable(name: &str, why: Unmergeable) -> PushRefused {
    let name = name.to_owned();
    match why {
        Unmergeable::Buckets(known, pushed) => PushRefused::BucketsDiffer { name, known, pushed },
        Unmergeable::NotFinite(value) => PushRefused::NotFinite { name, value },
    }
}
