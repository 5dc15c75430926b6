//! What a request means to its owner: its service, its route, its target group.
//!
//! The log says who asked for which path; the owner thinks in services and routes. [`Enricher`]
//! translates, once per request, and hands back borrowed text that is ready to be a label: valid
//! UTF-8, bounded in length, never empty where a label is wanted. Clients choose URL, method and
//! Host, so everything here assumes that they choose badly.
//!
//! Pure: the config and the listener rules are arguments, time is the request's own. Nothing is
//! remembered between requests, so results do not depend on their order; what a call needs to
//! write, it writes to the caller's [`Scratch`].
//!
//! Reading order: `label` (text of clients), `glob` and `service` (whose request),
//! `route_pattern` and `route_table` (routes as users write them), `route_template`, `segment`,
//! `word` and `letters` (routes found automatically), `listener_rules`, `describe_json` and
//! `target_group` (who owns an answer that the load balancer gave by itself), `enricher` (all of it),
//! `redact` (what is not to be kept of a line), `transform` (what is to be kept beside it, or not at all).

mod describe_json;
mod enricher;
mod glob;
mod label;
mod letters;
mod listener_rules;
mod placeholder;
mod redact;
mod route_pattern;
mod route_table;
mod route_template;
mod segment;
mod service;
mod target_group;
mod transform;
mod word;

pub use describe_json::RulesError;
pub use enricher::{EnrichOptions, Enriched, Enricher, Scratch, UnknownMode, UnmatchedRoutes};
pub use glob::Glob;
pub use listener_rules::{ListenerRules, ListenerRulesBuilder};
pub use redact::{RULES_MAX, RedactRule, Redactor, RuleSet};
pub use route_pattern::{PatternError, RoutePattern};
pub use service::{FieldMatch, MatchField, Service};
pub use transform::{
    ADDED_BYTES_MAX, CUT_TAG, Changes, Dropped, FIXED_FIELDS, Fate, FieldValue, NO_JSON_TAG, Operation,
    Outcome, STEPS_MAX, Shaped, Step, StepSet, Template, TemplateError, Transforms, is_chosen,
};

/// The label of what has no name of its own: routes under `unmatched_routes: other` or `drop`.
pub const OTHER: &str = "__other__";

/// The target group of an answer that more than one group may own.
pub const AMBIGUOUS: &str = "ambiguous";
