//! `services` and `unmatched_routes`: whose requests are whose, and what their routes are called.
//!
//! What a glob or a route pattern is, `weir_enrich` says; its constructors are the only judges, so a
//! config that is accepted here can't be refused when requests flow.

use std::collections::BTreeSet;

use weir_enrich::{FieldMatch, Glob, MatchField, RoutePattern, Service, UnmatchedRoutes};
use weir_record::Field as RequestField;

use super::error::ConfigError;
use super::keys::{self, did_you_mean, list};
use super::reader::{Entry, Field, Fields, quoted};

/// Reads the list. `sources` are the names that a service can match; none means that sources come
/// from the command line, whose names are not known here.
pub fn read_all(field: Field, sources: &[&str], errors: &mut Vec<ConfigError>) -> Vec<Service> {
    let mut services = Vec::new();
    let mut names = BTreeSet::new();
    for item in field.items("a list of services", errors) {
        let Some(fields) = item.fields(&keys::SERVICE, errors) else { continue };
        let name = fields.require("name", errors).and_then(|field| read_name(field, &mut names, errors));
        services.push(read(&fields, name.unwrap_or_default(), sources, errors));
    }
    services
}

/// Reads a name and reports it where an earlier item has the same.
fn read_name<'a>(
    field: Field<'a>,
    names: &mut BTreeSet<&'a str>,
    errors: &mut Vec<ConfigError>,
) -> Option<&'a str> {
    let name = field.text(errors)?;
    if !names.insert(name) {
        let error = ConfigError::new(field.position(), format!("a second service is named {}", quoted(name)));
        errors.push(error.with_hint("a service's match may have several globs in each field"));
    }
    Some(name)
}

fn read(fields: &Fields, name: &str, sources: &[&str], errors: &mut Vec<ConfigError>) -> Service {
    let team = fields.get("team").and_then(|field| field.text(errors));
    let matchers = fields.require("match", errors).map(|field| read_match(field, sources, errors));
    let routes = fields.get("routes").map(|field| read_routes(field, errors));
    Service {
        name: name.to_owned(),
        team: team.map(str::to_owned),
        matchers: matchers.unwrap_or_default(),
        routes: routes.unwrap_or_default(),
    }
}

fn read_match(field: Field, sources: &[&str], errors: &mut Vec<ConfigError>) -> Vec<FieldMatch> {
    let expected = "fields and their globs";
    let Some(entries) = field.entries(expected, errors) else {
        return Vec::new();
    };
    if entries.is_empty() {
        let hint = "name a field and a glob; `source: \"*\"` is every request";
        errors.push(field.wrong(expected, "nothing").with_hint(hint));
    }
    entries.iter().filter_map(|entry| read_field_match(entry, sources, errors)).collect()
}

fn read_field_match(entry: &Entry, sources: &[&str], errors: &mut Vec<ConfigError>) -> Option<FieldMatch> {
    let Some(field) = MatchField::from_name(entry.key) else {
        let names = match_names();
        let hint = did_you_mean(entry.key, &names)
            .unwrap_or_else(|| format!("the fields are {}", list(&names, "and")));
        errors.push(
            ConfigError::new(entry.key_position, format!("unknown field {} in `match`", quoted(entry.key)))
                .with_hint(hint),
        );
        return None;
    };
    let mut globs = Vec::new();
    for item in entry.field().one_or_more("a glob", errors) {
        let Some(glob) =
            item.parse("a glob", errors, |text| Glob::parse(text).map_err(|error| error.reason().to_owned()))
        else {
            continue;
        };
        if field == MatchField::Source {
            check_source(&item, &glob, sources, errors);
        }
        globs.push(glob);
    }
    Some(FieldMatch { field, globs })
}

fn check_source(item: &Field, glob: &Glob, sources: &[&str], errors: &mut Vec<ConfigError>) {
    if sources.is_empty() || sources.iter().any(|name| glob.matches(name.as_bytes())) {
        return;
    }
    let hint =
        did_you_mean(glob.as_str(), sources).unwrap_or_else(|| format!("there is {}", list(sources, "and")));
    let message = format!("no source is named {}", quoted(glob.as_str()));
    errors.push(ConfigError::new(item.position(), message).with_hint(hint));
}

/// The names that a `match` may have, for suggestions: the project's own, not those of the formats.
pub fn match_names() -> Vec<&'static str> {
    let fields = RequestField::ALL.iter().map(|field| field.name());
    std::iter::once(MatchField::Source.name()).chain(fields).collect()
}

fn read_routes(field: Field, errors: &mut Vec<ConfigError>) -> Vec<RoutePattern> {
    let items = field.items("a list of routes", errors);
    let read_route = |item: Field| {
        item.parse("a route such as /orders/{id}", errors, |text| {
            RoutePattern::parse(text).map_err(|error| error.reason().to_owned())
        })
    };
    items.into_iter().filter_map(read_route).collect()
}

/// Reads `unmatched_routes`.
pub fn read_unmatched(field: Field, errors: &mut Vec<ConfigError>) -> UnmatchedRoutes {
    let choices = [
        ("template", UnmatchedRoutes::Template),
        ("raw", UnmatchedRoutes::Raw),
        ("other", UnmatchedRoutes::Other),
        ("drop", UnmatchedRoutes::Drop),
    ];
    field.one_of(&choices, errors).unwrap_or_default()
}
