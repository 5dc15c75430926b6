//! From the data folder to the state: everything that a start finds.
//!
//! All of it is read in one transaction, so that counters, positions and cursors are of the same moment.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use weir_ledger::{Ledger, LedgerError, Reading};
use weir_meter::pushed::{PushedOptions, PushedSeries, StoredFamily, StoredSeries};
use weir_meter::{Births, Meter, MeterOptions, Scrapers};
use weir_store::Store;

use super::account::Account;
use super::alerting::Alerting;
use super::alerting_view::AlertingView;
use super::declared::{Declared, DeclaredLosses};
use super::event_meter::EventMeter;
use super::indicators::Indicators;
use super::kept_records;
use super::own_metrics::Own;
use super::preparation::{Kept, Preparation};
use super::prepared::{EVENT_SCRAPERS, METER_TOTALS, METRICS, MeterTotals, SCRAPERS, SOURCES, write_staged};
use super::publication::{Publication, PublicationOptions};
use super::state::{Inner, SourceState, State};
use super::writers::HTTP;
use crate::clock;
use crate::config::{Config, FILE_LATENESS, Keep, OBJECTS_RETENTION, RemoteWrite, SourceSelection};

/// The ledger's name in the data folder.
const LEDGER_FILE: &str = "ledger.redb";

/// The folder of records in the data folder.
const STORE_FOLDER: &str = "store";

/// The source of backfills that no source of the config is for.
pub const BACKFILL: &str = "backfill";

/// Everything that the server goes on with.
pub struct Opened {
    /// The ledger.
    pub ledger: Arc<Ledger>,
    /// What is shown.
    pub state: Arc<State>,
    /// What the commit thread knows.
    pub preparation: Preparation,
    /// The targets of remote write.
    pub publications: Vec<Publication>,
    /// Records that are kept.
    pub store: Arc<Store>,
    /// The user's own metrics.
    pub declared: Arc<Declared>,
    /// What promises and alerts count.
    pub indicators: Arc<Indicators>,
    /// What judges them.
    pub alerting: Alerting,
}

/// What the data folder is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Serving, by its own config: what that has no place for any more is forgotten.
    Serve,
    /// One command, which may have been given another config or none: it forgets nothing.
    Command,
}

/// Opens the ledger of the data folder, and makes the folder if it is missing.
///
/// # Errors
///
/// The folder cannot be made, another server uses it, or a newer version wrote it.
pub fn open_ledger(folder: &Path) -> anyhow::Result<Ledger> {
    let shown = folder.display();
    if !folder.exists() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make the data folder {shown}"))?;
        // It holds log lines, which may hold anything.
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
            .with_context(|| format!("cannot close the data folder {shown} to others"))?;
    }
    if !folder.is_dir() {
        bail!("the data folder {shown} is not a folder; set data_dir to another");
    }
    Ok(Ledger::open(&ledger_path(folder))?)
}

/// Where the ledger of a data folder is.
pub fn ledger_path(folder: &Path) -> PathBuf {
    folder.join(LEDGER_FILE)
}

/// Whether the data folder has a ledger.
pub fn has_ledger(folder: &Path) -> bool {
    folder.join(LEDGER_FILE).exists()
}

/// Reads what was counted before.
///
/// # Errors
///
/// When the ledger can't be read.
pub fn open(
    config: &Config,
    options: MeterOptions,
    ledger: Ledger,
    purpose: Purpose,
) -> anyhow::Result<Opened> {
    let ledger = Arc::new(ledger);
    let declared = Arc::new(Declared::new(&config.metrics.declared, config.metrics.max_series)?);
    let indicators = Arc::new(Indicators::new(config)?);
    let own = (&declared, &indicators);
    let loaded =
        ledger.read(|reading| Ok((load(config, options, own, reading)?, kept_records::load(reading)?)));
    let ((mut inner, preparation, publications), (kept, files)) =
        loaded.context("cannot read what was counted")?;
    if purpose == Purpose::Serve {
        forget_undeclared(&ledger, &mut inner)?;
    }
    let store = Store::open(store_options(config, purpose), kept, files)
        .context("cannot open the store of records")?;
    let store = Arc::new(store);
    let expire_after = config.metrics.expire_after;
    let state = Arc::new(State::new(inner, Arc::clone(&ledger), Arc::clone(&store), expire_after));
    publications.iter().for_each(|publication| publication.tell(&state));
    let now = clock::now();
    let alerting = ledger.read(|reading| Alerting::load(reading, config, &indicators, now));
    let mut alerting = alerting.context("cannot read the states of alerts")?;
    alerting.show(&state, now);
    alerting.tell_all();
    Ok(Opened { ledger, state, preparation, publications, store, declared, indicators, alerting })
}

/// Removes series that the config declared once and does not now, before anything is counted.
fn forget_undeclared(ledger: &Ledger, inner: &mut Inner) -> anyhow::Result<()> {
    let mut staged = inner.pushed.staged();
    if inner.declared.stage_removed(&inner.pushed, &mut staged) == 0 {
        return Ok(());
    }
    ledger
        .write(|ledger| write_staged(ledger, &staged))
        .context("cannot forget metrics that the config does not declare any more")?;
    inner.pushed.apply(staged);
    Ok(())
}

fn store_options(config: &Config, purpose: Purpose) -> weir_store::Options {
    let is_serving = purpose == Purpose::Serve;
    weir_store::Options {
        is_raw_kept: config.store.is_raw_kept,
        retention: is_serving.then_some(config.store.retention),
        disk_bytes_max: config.store.disk_bytes_max.filter(|_| is_serving),
        free_bytes_min: config.store.free_bytes_min,
        ..weir_store::Options::new(config.data_dir.join(STORE_FOLDER), clock::now())
    }
}

fn load(
    config: &Config,
    options: MeterOptions,
    (declared, indicators): (&Arc<Declared>, &Arc<Indicators>),
    ledger: &Reading<'_>,
) -> Result<(Inner, Preparation, Vec<Publication>), LedgerError> {
    let mut meter = Meter::restore(options, &ledger.series(METRICS)?);
    let totals: MeterTotals = ledger.state(METER_TOTALS)?.unwrap_or_default();
    let births = Births { alb: totals.births.0, nginx: totals.births.1 };
    meter.restore_totals(births, totals.overflows);
    let scrapers = ledger.state(SCRAPERS)?.unwrap_or_default();
    let mut sources = BTreeMap::new();
    for source in &config.sources {
        let account: Account = ledger.state(&format!("{SOURCES}{}", source.name))?.unwrap_or_default();
        let is_on_metrics = is_on_metrics(&config.metrics.remote_write, &source.name);
        let state = SourceState {
            is_kept_whole: source.keep == Keep::All,
            ..SourceState::new(account, source.lateness, is_on_metrics)
        };
        sources.insert(Arc::from(source.name.as_str()), state);
    }
    if let Some(account) = ledger.state(&format!("{SOURCES}{BACKFILL}"))? {
        sources.entry(BACKFILL.into()).or_insert_with(|| SourceState::history(account));
    }
    if let Some(account) = ledger.state(&format!("{SOURCES}{HTTP}"))? {
        let new = || SourceState::new(account, FILE_LATENESS, true);
        sources.entry(HTTP.into()).or_insert_with(new);
    }
    let now = clock::now();
    let publications = config
        .metrics
        .remote_write
        .iter()
        .map(|target| {
            Publication::load(ledger, publication_options(config, target), options, indicators, now)
        })
        .collect::<Result<_, _>>()?;
    let pushed = load_pushed(config, ledger)?;
    let kept = Kept {
        rejects_bytes_max: config.limits.rejects_bytes,
        objects: config
            .sources
            .iter()
            .map(|source| source.objects_retention)
            .max()
            .unwrap_or(OBJECTS_RETENTION),
        slots: config.metrics.slots_retention,
    };
    let own = (Arc::clone(declared), Arc::clone(indicators));
    let preparation = Preparation::load(ledger, options, kept, own)?;
    let is_exposed =
        |source: &str| sources.get(source).is_some_and(|source: &SourceState| source.is_on_metrics);
    let events = EventMeter::load(ledger, METRICS, indicators, is_exposed)?;
    let event_scrapers = Scrapers::restore(ledger.state(EVENT_SCRAPERS)?.unwrap_or_default());
    let inner = Inner {
        meter,
        pushed,
        scrapers: Scrapers::restore(scrapers),
        sources,
        own: Own::default(),
        declared: Arc::clone(declared),
        declared_losses: DeclaredLosses::default(),
        events,
        event_scrapers,
        alerting: Arc::new(AlertingView::default()),
    };
    Ok((inner, preparation, publications))
}

fn load_pushed(config: &Config, ledger: &Reading<'_>) -> Result<PushedSeries, LedgerError> {
    let options = PushedOptions { series_max: config.gateway.max_series, gauges: config.gateway.gauges };
    let families = ledger.pushed_families::<StoredFamily>()?;
    let families = families.into_iter().map(|(name, family)| (String::from(name), family));
    let mut series = Vec::new();
    ledger.pushed_series_with_prefix(&[], |key, row: StoredSeries| series.push((key.to_vec(), row)))?;
    PushedSeries::restore(options, families, series)
        .map_err(|error| LedgerError::GivenUp(error.to_string().into()))
}

/// A source whose minutes are written elsewhere leaves `/metrics`, or every sum over both would be double.
fn is_on_metrics(targets: &[RemoteWrite], source: &str) -> bool {
    let publishes = |target: &&RemoteWrite| match &target.sources {
        SourceSelection::All => true,
        SourceSelection::Named(names) => names.iter().any(|name| name == source),
    };
    targets.iter().filter(publishes).all(|target| target.keep_on_metrics)
}

fn publication_options(config: &Config, target: &RemoteWrite) -> PublicationOptions {
    let names: Vec<Arc<str>> = match &target.sources {
        SourceSelection::All => config.sources.iter().map(|source| source.name.as_str().into()).collect(),
        SourceSelection::Named(names) => names.iter().map(|name| name.as_str().into()).collect(),
    };
    let labels = config.metrics.external_labels.iter();
    PublicationOptions {
        name: target.name.as_str().into(),
        sources: names,
        window: target.out_of_order_time_window,
        external_labels: labels.map(|(name, value)| (name.clone(), value.clone())).collect(),
        queue_bytes_max: target.queue_bytes,
        expire_after: config.metrics.expire_after,
    }
}
