//! `gateway`: what becomes of metrics that are pushed.
//!
//! The defaults are those of prom-aggregation-gateway, whose clients keep working; the keys are the points
//! at which it and Prometheus' own Pushgateway differ. Only browsers from other sites are treated unlike
//! there: none may push unless it is named, since a page that somebody opens would be a client inside the
//! network.

use weir_meter::pushed::GaugeMode;
use weir_web::{CorsOrigins, UrlLabels};

use super::error::ConfigError;
use super::keys;
use super::metrics::{SERIES_MAX, SERIES_MIN};
use super::reader::Field;
use super::web_address::WebAddress;

/// Each preflight request is compared with the list.
const ORIGINS_MAX: usize = 100;

/// What becomes of pushed metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// What becomes of labels in the address of a push.
    pub url_labels: UrlLabels,
    /// The HTTP status of a push that was counted: 202 or 200.
    pub status: u16,
    /// What becomes of a gauge that says nothing about it.
    pub gauges: GaugeMode,
    /// The web pages that browsers may push from.
    pub cors_origins: CorsOrigins,
    /// Pushed series, all families together.
    pub max_series: usize,
}

impl Default for Gateway {
    /// URL labels are added, 202, gauges are summed, no browsers, 50,000 series.
    fn default() -> Self {
        Self {
            url_labels: UrlLabels::Add,
            status: 202,
            gauges: GaugeMode::Sum,
            cors_origins: CorsOrigins::None,
            max_series: 50_000,
        }
    }
}

/// Reads the section.
pub fn read(field: Field, errors: &mut Vec<ConfigError>) -> Gateway {
    let default = Gateway::default();
    let Some(fields) = field.fields(&keys::GATEWAY, errors) else {
        return default;
    };
    let url_labels = [("add", UrlLabels::Add), ("ignore", UrlLabels::Ignore)];
    let url_labels = fields.get("url_labels").and_then(|field| field.one_of(&url_labels, errors));
    let status = fields.get("status").and_then(|field| field.one_of(&[("202", 202), ("200", 200)], errors));
    let gauges = [("sum", GaugeMode::Sum), ("replace", GaugeMode::Replace)];
    let gauges = fields.get("gauges").and_then(|field| field.one_of(&gauges, errors));
    let cors_origins = fields.get("cors_origins").map(|field| read_origins(field, errors));
    let max_series =
        fields.get("max_series").and_then(|field| field.whole_number(SERIES_MIN..=SERIES_MAX, errors));
    Gateway {
        url_labels: url_labels.unwrap_or(default.url_labels),
        status: status.unwrap_or(default.status),
        gauges: gauges.unwrap_or(default.gauges),
        cors_origins: cors_origins.unwrap_or(default.cors_origins),
        max_series: max_series.and_then(|number| usize::try_from(number).ok()).unwrap_or(default.max_series),
    }
}

fn read_origins(field: Field, errors: &mut Vec<ConfigError>) -> CorsOrigins {
    let items = field.items_at_most("a list of origins", ORIGINS_MAX, errors);
    let expected = "an origin such as https://admin.example.com";
    let origins: Vec<&str> =
        items.iter().filter_map(|item| item.parse(expected, errors, check_origin)).collect();
    if origins.is_empty() {
        return CorsOrigins::None;
    }
    if !origins.contains(&"*") {
        return CorsOrigins::Only(origins.into_iter().map(str::to_owned).collect());
    }
    if origins.len() > 1 {
        let error = ConfigError::new(field.position(), "`cors_origins` has `*` and other origins");
        errors.push(error.with_hint("`*` is every page; remove it or the others"));
    }
    CorsOrigins::Any
}

/// An origin as browsers write it: anything else would match no browser, silently.
fn check_origin(text: &str) -> Result<&str, String> {
    if text == "*" {
        return Ok(text);
    }
    let address = WebAddress::parse(text)?;
    if !address.path.is_empty() || address.has_query {
        return Err("an origin has no path, not even a `/` at its end".to_owned());
    }
    if text.chars().any(|c| c.is_ascii_uppercase()) {
        return Err(format!("browsers write it in lower case: `{}`", text.to_ascii_lowercase()));
    }
    let has_default_port = text.strip_prefix("https://").is_some_and(|host| host.ends_with(":443"))
        || text.strip_prefix("http://").is_some_and(|host| host.ends_with(":80"));
    if has_default_port {
        return Err("browsers leave out the port 80 of `http` and 443 of `https`".to_owned());
    }
    Ok(text)
}
