//! From a request to its labels, in one call per request.
//!
//! This runs for every line of every log, so it borrows: what the line says already is handed on
//! as it stands, what must be written goes to the caller's [`Scratch`], and after the first few
//! lines nothing is allocated. The order is fixed by what needs what: the target group can decide
//! the service, the service has the routes.

use std::fmt;
use std::str::FromStr;

use weir_record::{Request, method_label};

use crate::OTHER;
use crate::label::{self, ABSENT};
use crate::listener_rules::ListenerRules;
use crate::route_table::RouteTable;
use crate::route_template::{self, MAX_PATH};
use crate::service::{Facts, Service, ServiceIndex};
use crate::target_group;

/// Longer hosts are cut; a DNS name has at most 253 bytes.
const MAX_HOST: usize = 255;

/// Longer target groups are cut; an ARN has at most 2048 bytes, a target group's about 150.
const MAX_TARGET_GROUP: usize = 512;

/// What becomes of a path that no route pattern of its service matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum UnmatchedRoutes {
    /// An automatic template.
    #[default]
    Template,
    /// The path as it is, up to 2 KiB.
    Raw,
    /// [`OTHER`].
    Other,
    /// [`OTHER`], and no latency is recorded for it.
    Drop,
}

/// A word that is no [`UnmatchedRoutes`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownMode(String);

/// All that an [`Enricher`] is made of.
#[derive(Clone, Debug, Default)]
pub struct EnrichOptions {
    /// In order: the first that claims a request has it.
    pub services: Vec<Service>,
    /// For paths that match no pattern.
    pub unmatched_routes: UnmatchedRoutes,
    /// For lines without a target group.
    pub listener_rules: ListenerRules,
}

/// Knows services, routes and listener rules; shared by all threads, changed by none.
#[derive(Debug)]
pub struct Enricher {
    services: Vec<Service>,
    index: ServiceIndex,
    /// One table per service.
    routes: Vec<RouteTable>,
    unmatched_routes: UnmatchedRoutes,
    listener_rules: ListenerRules,
}

/// Buffers for text that does not stand in the line; one per thread, with no memory of past lines.
#[derive(Debug, Default)]
pub struct Scratch {
    host: String,
    target_group: String,
    template: Vec<u8>,
    route: String,
}

/// A request's labels, all valid UTF-8 and bounded in length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enriched<'s> {
    /// The virtual host, `-` if the line has none.
    pub host: &'s str,
    /// One of nine methods, or `OTHER`.
    pub method: &'static str,
    /// The route, `-` if the line has no path.
    pub route: &'s str,
    /// The target group's ARN, empty if none, [`AMBIGUOUS`](crate::AMBIGUOUS) if it can't be told.
    pub target_group: &'s str,
    /// The first service that claims the request.
    pub service: Option<&'s Service>,
    /// Whether the route is [`OTHER`] by [`UnmatchedRoutes::Drop`]: counted, but no latency.
    pub route_is_dropped: bool,
}

impl Enricher {
    /// Builds the look-up tables; patterns were checked when they were parsed.
    pub fn new(options: EnrichOptions) -> Self {
        Self {
            index: ServiceIndex::new(&options.services),
            routes: options.services.iter().map(|service| RouteTable::new(&service.routes)).collect(),
            services: options.services,
            unmatched_routes: options.unmatched_routes,
            listener_rules: options.listener_rules,
        }
    }

    /// The services, in the order of the config.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// The labels of `request` out of the source named `source`.
    pub fn enrich<'s>(
        &'s self,
        source: &str,
        request: &'s Request<'_>,
        scratch: &'s mut Scratch,
    ) -> Enriched<'s> {
        let arn = target_group::resolve(&self.listener_rules, request);
        let target_group = match arn {
            [] => "",
            arn => label::text(Some(arn), MAX_TARGET_GROUP, &mut scratch.target_group),
        };
        let service_index = self.index.find(&Facts { source, target_group, request });
        let route =
            self.route(service_index, request.path.as_deref(), &mut scratch.template, &mut scratch.route);
        Enriched {
            host: label::text(request.host.as_deref(), MAX_HOST, &mut scratch.host),
            method: method_label(request.method.as_deref()),
            route: route.unwrap_or(OTHER),
            target_group,
            service: service_index.and_then(|at| self.services.get(at)),
            route_is_dropped: route.is_none() && self.unmatched_routes == UnmatchedRoutes::Drop,
        }
    }

    /// The route, or `None` where it has no name of its own.
    fn route<'s>(
        &'s self,
        service: Option<usize>,
        path: Option<&'s [u8]>,
        template: &'s mut Vec<u8>,
        buffer: &'s mut String,
    ) -> Option<&'s str> {
        let Some(path) = path.filter(|path| !path.is_empty()) else {
            return Some(ABSENT);
        };
        if let Some(pattern) = service.and_then(|service| self.route_pattern(service, path)) {
            return Some(pattern);
        }
        match self.unmatched_routes {
            UnmatchedRoutes::Template => {
                let template = route_template::template(path, template);
                Some(label::text(Some(template), MAX_PATH, buffer))
            }
            UnmatchedRoutes::Raw => Some(label::text(Some(path), MAX_PATH, buffer)),
            UnmatchedRoutes::Other | UnmatchedRoutes::Drop => None,
        }
    }

    fn route_pattern(&self, service: usize, path: &[u8]) -> Option<&str> {
        let pattern = self.routes.get(service)?.find(path)?;
        Some(self.services.get(service)?.routes.get(pattern)?.as_str())
    }
}

impl UnmatchedRoutes {
    /// Every mode, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::Template, Self::Raw, Self::Other, Self::Drop];

    /// The word in the config and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Template => "template",
            Self::Raw => "raw",
            Self::Other => "other",
            Self::Drop => "drop",
        }
    }
}

impl FromStr for UnmatchedRoutes {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|mode| mode.name() == text).ok_or_else(|| UnknownMode(text.to_owned()))
    }
}

impl fmt::Display for UnknownMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is none of template, raw, other, drop", self.0)
    }
}

impl std::error::Error for UnknownMode {}

#[cfg(test)]
mod tests {
    use weir_record::{Origin, Timestamp};

    use super::*;
    use crate::{AMBIGUOUS, FieldMatch, Glob, MatchField, RoutePattern};

    const RULES: &str = include_str!("../../../testdata/elbv2/describe-rules-443.json");
    const LISTENERS: &str = include_str!("../../../testdata/elbv2/describe-listeners.json");

    fn service(name: &str, field: &str, glob: &str, routes: &[&str]) -> Service {
        let field = MatchField::from_name(field).unwrap();
        Service {
            name: name.to_owned(),
            team: None,
            matchers: vec![FieldMatch { field, globs: vec![Glob::parse(glob).unwrap()] }],
            routes: routes.iter().map(|route| RoutePattern::parse(route).unwrap()).collect(),
        }
    }

    fn enricher(unmatched_routes: UnmatchedRoutes) -> Enricher {
        let mut rules = ListenerRules::builder();
        rules.add_json("rules.json", RULES).unwrap();
        rules.add_json("listeners.json", LISTENERS).unwrap();
        Enricher::new(EnrichOptions {
            services: vec![
                service("shop", "host", "Shop.example.com", &["/orders/{number}", "/static/**"]),
                service("grpc", "target_group", "grpc", &[]),
            ],
            unmatched_routes,
            listener_rules: rules.build(),
        })
    }

    fn request(host: &'static str, path: &'static [u8]) -> Request<'static> {
        let mut request = Request::new(Origin::Alb, Timestamp::from_seconds(1_795_169_730));
        request.host = Some(host.as_bytes().into());
        request.path = Some(path.into());
        request
    }

    /// Route, `dropped` and service of a request.
    #[track_caller]
    fn check(mode: UnmatchedRoutes, request: &Request<'_>, expected: &str) {
        let (enricher, mut scratch) = (enricher(mode), Scratch::default());
        let enriched = enricher.enrich("alb", request, &mut scratch);
        let dropped = if enriched.route_is_dropped { " dropped" } else { "" };
        let service = enriched.service.map_or("none", |service| &service.name);
        assert_eq!(format!("{}{dropped} of {service}", enriched.route), expected);
    }

    #[test]
    fn a_services_patterns_come_before_the_mode() {
        for mode in UnmatchedRoutes::ALL {
            check(mode, &request("shop.example.com", b"/orders/7"), "/orders/{number} of shop");
        }
    }

    #[test]
    fn other_paths_go_by_the_mode() {
        let stranger = request("www.example.com", b"/orders/7");
        check(UnmatchedRoutes::Template, &stranger, "/orders/{id} of none");
        check(UnmatchedRoutes::Raw, &stranger, "/orders/7 of none");
        check(UnmatchedRoutes::Other, &stranger, "__other__ of none");
        check(UnmatchedRoutes::Drop, &stranger, "__other__ dropped of none");
        check(UnmatchedRoutes::Drop, &request("shop.example.com", b"/cart"), "__other__ dropped of shop");
    }

    #[test]
    fn a_line_without_path_or_host_has_a_dash() {
        let bare = Request::new(Origin::Nginx, Timestamp::default());
        for mode in UnmatchedRoutes::ALL {
            check(mode, &bare, "- of none");
        }
        let (enricher, mut scratch) = (enricher(UnmatchedRoutes::Template), Scratch::default());
        let enriched = enricher.enrich("alb", &bare, &mut scratch);
        assert_eq!((enriched.host, enriched.method, enriched.target_group), ("-", "OTHER", ""));
    }

    #[test]
    fn the_service_of_a_line_without_target_group_comes_from_its_rule() {
        let mut line = request("www.example.com", b"/pkg.Svc/Get");
        line.load_balancer = Some(b"app/prod/50dc6c495c0c9188");
        line.rule_priority = Some(70);
        line.port = Some(443);
        check(UnmatchedRoutes::Template, &line, "/pkg.Svc/Get of grpc");
        line.rule_priority = Some(10);
        let (enricher, mut scratch) = (enricher(UnmatchedRoutes::Template), Scratch::default());
        assert_eq!(enricher.enrich("alb", &line, &mut scratch).target_group, AMBIGUOUS);
    }

    #[test]
    fn odd_bytes_become_text_in_every_mode() {
        check(UnmatchedRoutes::Raw, &request("a", b"/\xff"), "/\u{fffd} of none");
        check(UnmatchedRoutes::Template, &request("a", b"/\xff"), "/{text} of none");
    }

    #[test]
    fn modes_are_read_by_their_names() {
        for mode in UnmatchedRoutes::ALL {
            assert_eq!(mode.name().parse(), Ok(mode));
        }
        let error = "Template".parse::<UnmatchedRoutes>().map_err(|error| error.to_string());
        assert_eq!(error, Err("`Template` is none of template, raw, other, drop".to_owned()));
    }

    proptest::proptest! {
        #[test]
        fn labels_are_bounded_whatever_a_client_sends(
            host in proptest::collection::vec(proptest::num::u8::ANY, 0..600),
            path in proptest::collection::vec(proptest::num::u8::ANY, 0..4000),
            mode in proptest::sample::select(&UnmatchedRoutes::ALL),
        ) {
            let mut line = Request::new(Origin::Nginx, Timestamp::default());
            line.host = Some(host.into());
            line.path = Some(path.into());
            let (enricher, mut scratch) = (enricher(mode), Scratch::default());
            let enriched = enricher.enrich("nginx", &line, &mut scratch);
            proptest::prop_assert!(enriched.host.len() <= MAX_HOST && enriched.route.len() <= MAX_PATH);
            proptest::prop_assert!(!enriched.host.is_empty() && !enriched.route.is_empty());
        }
    }
}
