//! What the commands gather from lines: counters, or the groups of a report.
//!
//! Both are filled one object at a time and merged, so the code that reads files on all cores knows
//! only this.

use weir_enrich::{Enriched, Service};
use weir_meter::{Counting, Labels, Meter, Standing};
use weir_record::{Request, Timestamp};

/// Something that is gathered from requests and can be added up.
pub trait Tally: Send {
    /// Takes in one request.
    fn observe(&mut self, request: &Request<'_>, enriched: &Enriched<'_>);

    /// Adds what `batch` gathered, and leaves that empty.
    fn absorb(&mut self, batch: &mut Self);

    /// Forgets everything.
    fn clear(&mut self);
}

impl Tally for Meter {
    fn observe(&mut self, request: &Request<'_>, enriched: &Enriched<'_>) {
        self.observe(&counting(request, enriched), request, Timestamp::default());
    }

    fn absorb(&mut self, batch: &mut Self) {
        self.merge(batch, Timestamp::default());
        Meter::clear(batch);
    }

    fn clear(&mut self) {
        Meter::clear(self);
    }
}

/// How an enriched request is counted.
pub fn counting<'a>(request: &Request<'_>, enriched: &Enriched<'a>) -> Counting<'a> {
    Counting {
        labels: Labels {
            host: enriched.host,
            method: enriched.method,
            path: enriched.route,
            target_group: enriched.target_group,
            application: enriched.service.map_or("", |service| &service.name),
            status: request.status,
        },
        standing: Standing {
            is_configured: enriched.service.is_some(),
            is_host_configured: enriched.service.is_some_and(Service::names_hosts),
        },
        has_histogram: !enriched.route_is_dropped,
    }
}
