//! Services as their owners describe them, and the first one that claims a request.
//!
//! Hundreds of services are normal where one config serves a whole company, and nearly all of them
//! name hosts or target groups without a wildcard. Those are found by hash; only services that
//! wildcards or other fields describe are tried one by one. The index is built once and holds no
//! state between requests: a cache by (host, target group) was refused because clients choose the
//! host, so it would need a bound and a scan would empty it.

use std::borrow::Cow;
use std::collections::HashMap;

use foldhash::fast::FixedState;
use weir_record::{Field, Request};

use crate::glob::Glob;
use crate::route_pattern::RoutePattern;

/// A service as its owner describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// The name, as in labels and reports.
    pub name: String,
    /// Who is told when it is slow.
    pub team: Option<String>,
    /// What all of its requests have in common; with none, the service claims every request.
    pub matchers: Vec<FieldMatch>,
    /// Its routes; the first that matches a path names it.
    pub routes: Vec<RoutePattern>,
}

impl Service {
    /// Whether the service says which hosts are its own, rather than taking whatever a client names.
    pub fn names_hosts(&self) -> bool {
        let is_host = |matcher: &FieldMatch| matcher.field == MatchField::Request(Field::Host);
        self.matchers
            .iter()
            .any(|matcher| is_host(matcher) && matcher.globs.iter().all(|glob| glob.as_str() != "*"))
    }
}

/// A condition on one field: any of the globs matches its value; a field the line lacks never does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldMatch {
    /// The field that is looked at.
    pub field: MatchField,
    /// The values; one is enough. Globs on the host ignore case.
    pub globs: Vec<Glob>,
}

/// What a service can be recognised by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MatchField {
    /// The source's name in the config.
    Source,
    /// A field of the request. The target group may be given by its ARN or its short name, and is
    /// the one from the listener rules where the line has none.
    Request(Field),
}

impl MatchField {
    /// The field with this name or, for a request's field, one of its native names.
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "source" { Some(Self::Source) } else { Field::from_name(name).map(Self::Request) }
    }

    /// The name used in the config.
    pub fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Request(field) => field.name(),
        }
    }
}

/// What is known of a request when its service is looked up.
pub(crate) struct Facts<'a> {
    pub(crate) source: &'a str,
    /// The target group's ARN, empty if none.
    pub(crate) target_group: &'a str,
    pub(crate) request: &'a Request<'a>,
}

/// All services, so that the first one that claims a request is found without trying each.
#[derive(Debug, Default)]
pub(crate) struct ServiceIndex {
    matchers: Vec<Vec<FieldMatch>>,
    by_host: Candidates,
    /// By ARN or by short name, whichever the config says.
    by_target_group: Candidates,
    others: Vec<usize>,
}

/// Services by a value that they name, each list in rising order.
type Candidates = HashMap<Vec<u8>, Vec<usize>, FixedState>;

impl ServiceIndex {
    pub(crate) fn new(services: &[Service]) -> Self {
        let mut index = Self::default();
        for (at, service) in services.iter().enumerate() {
            let matchers: Vec<_> = service.matchers.iter().map(FieldMatch::compiled).collect();
            index.file(at, &matchers);
            index.matchers.push(matchers);
        }
        index
    }

    /// The index of the first service all of whose matchers hold.
    pub(crate) fn find(&self, facts: &Facts<'_>) -> Option<usize> {
        let mut best = self.first_of(&self.others, usize::MAX, facts);
        if !self.by_host.is_empty()
            && let Some(host) = &facts.request.host
        {
            best = self.first_of(candidates(&self.by_host, host), best, facts);
        }
        if !self.by_target_group.is_empty() && !facts.target_group.is_empty() {
            let arn = facts.target_group.as_bytes();
            best = self.first_of(candidates(&self.by_target_group, arn), best, facts);
            best = self.first_of(candidates(&self.by_target_group, short_name(arn)), best, facts);
        }
        (best != usize::MAX).then_some(best)
    }

    /// Puts a service where exactly those requests look that can be its.
    fn file(&mut self, service: usize, matchers: &[FieldMatch]) {
        let keyed = [(Field::Host, &mut self.by_host), (Field::TargetGroup, &mut self.by_target_group)];
        for (field, index) in keyed {
            let matcher = matchers.iter().find(|matcher| matcher.field == MatchField::Request(field));
            let literals: Option<Vec<_>> =
                matcher.and_then(|matcher| matcher.globs.iter().map(Glob::literal).collect());
            if let Some(literals) = literals {
                for literal in literals {
                    index.entry(literal.to_vec()).or_default().push(service);
                }
                return;
            }
        }
        self.others.push(service);
    }

    /// The first of `services` before `best` that claims the request, else `best`.
    fn first_of(&self, services: &[usize], best: usize, facts: &Facts<'_>) -> usize {
        let claims = |at: &usize| {
            self.matchers.get(*at).is_some_and(|matchers| matchers.iter().all(|matcher| matcher.holds(facts)))
        };
        services.iter().copied().take_while(|&at| at < best).find(claims).unwrap_or(best)
    }
}

fn candidates<'a>(index: &'a Candidates, value: &[u8]) -> &'a [usize] {
    index.get(value).map_or(&[], Vec::as_slice)
}

impl FieldMatch {
    /// The same matcher with hosts in lower case, as requests have them.
    fn compiled(&self) -> Self {
        let lower = self.field == MatchField::Request(Field::Host);
        let compile = |glob: &Glob| if lower { glob.to_ascii_lowercase() } else { glob.clone() };
        Self { field: self.field, globs: self.globs.iter().map(compile).collect() }
    }

    fn holds(&self, facts: &Facts<'_>) -> bool {
        let value = match self.field {
            MatchField::Source => Some(Cow::Borrowed(facts.source.as_bytes())),
            MatchField::Request(Field::TargetGroup) => {
                return self.holds_for_target_group(facts.target_group);
            }
            MatchField::Request(field) => facts.request.field(field),
        };
        value.is_some_and(|value| self.globs.iter().any(|glob| glob.matches(&value)))
    }

    fn holds_for_target_group(&self, arn: &str) -> bool {
        let (arn, name) = (arn.as_bytes(), short_name(arn.as_bytes()));
        !arn.is_empty() && self.globs.iter().any(|glob| glob.matches(arn) || glob.matches(name))
    }
}

/// `api` of `arn:aws:elasticloadbalancing:<region>:<account>:targetgroup/api/<id>`; other text as it is.
fn short_name(arn: &[u8]) -> &[u8] {
    let resource = arn.rsplit(|&byte| byte == b':').next().unwrap_or(arn);
    let mut parts = resource.split(|&byte| byte == b'/');
    match (parts.next(), parts.next()) {
        (Some(b"targetgroup"), Some(name)) => name,
        _ => arn,
    }
}

#[cfg(test)]
mod tests {
    use weir_record::{Origin, Timestamp};

    use super::*;

    const API_ARN: &str =
        "arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/api/73e2d6bc24d8a067";

    /// A service from `field=glob|glob field=glob`.
    fn service(matchers: &str) -> Service {
        let matchers = matchers.split_whitespace().map(|matcher| {
            let (field, globs) = matcher.split_once('=').unwrap();
            FieldMatch {
                field: MatchField::from_name(field).unwrap(),
                globs: globs.split('|').map(|glob| Glob::parse(glob).unwrap()).collect(),
            }
        });
        Service { matchers: matchers.collect(), ..Service::default() }
    }

    /// Which of `services` claims a request described as `field=value`, by position.
    #[track_caller]
    fn check(services: &[&str], request: &str, expected: Option<usize>) {
        let services: Vec<_> = services.iter().map(|matchers| service(matchers)).collect();
        let mut line = Request::new(Origin::Nginx, Timestamp::default());
        let (mut source, mut target_group) = ("", "");
        for (field, value) in request.split_whitespace().filter_map(|fact| fact.split_once('=')) {
            match field {
                "source" => source = value,
                "target_group" => target_group = value,
                "host" => line.host = Some(value.as_bytes().into()),
                "path" => line.path = Some(value.as_bytes().into()),
                "load_balancer" => line.load_balancer = Some(value.as_bytes()),
                other => panic!("no such field in this test: {other}"),
            }
        }
        let facts = Facts { source, target_group, request: &line };
        assert_eq!(ServiceIndex::new(&services).find(&facts), expected, "{request}");
    }

    #[test]
    fn all_matchers_must_hold_and_one_glob_of_each() {
        let services = ["host=a.example|b.example path=/api/*", "source=nginx"];
        check(&services, "host=b.example path=/api/x", Some(0));
        check(&services, "host=b.example path=/x", None);
        check(&services, "host=b.example path=/x source=nginx", Some(1));
        check(&services, "path=/api/x", None);
    }

    #[test]
    fn the_first_service_wins_however_it_is_found() {
        let by_host = "host=a.example";
        let request = &format!("host=a.example source=s target_group={API_ARN}");
        check(&[by_host, "source=s", "target_group=api"], request, Some(0));
        check(&["source=s", by_host], request, Some(0));
        check(&["target_group=api", by_host], request, Some(0));
        check(&["source=t", "host=*", by_host], request, Some(1));
        check(&["host=a.example path=/x", by_host], request, Some(1));
    }

    #[test]
    fn hosts_ignore_case_and_paths_do_not() {
        check(&["host=Shop.Example"], "host=shop.example", Some(0));
        check(&["host=*.EXAMPLE"], "host=shop.example", Some(0));
        check(&["path=/API/*"], "path=/api/x", None);
    }

    #[test]
    fn a_target_group_goes_by_its_arn_or_its_short_name() {
        let request = &format!("target_group={API_ARN}");
        for glob in ["api", "a*", API_ARN, "arn:*:targetgroup/api/*"] {
            check(&[&format!("target_group={glob}")], request, Some(0));
        }
        check(&["target_group=api-canary"], request, None);
        check(&["target_group=*"], "host=a.example", None);
        check(&["target_group=ambiguous"], "target_group=ambiguous", Some(0));
    }

    #[test]
    fn a_service_without_matchers_claims_everything() {
        check(&["host=b", ""], "host=a", Some(1));
        check(&[], "host=a", None);
    }

    #[test]
    fn native_field_names_work() {
        check(&["elb=app/prod/*"], "load_balancer=app/prod/50dc6c495c0c9188", Some(0));
        assert_eq!(MatchField::from_name("domain_name"), Some(MatchField::Request(Field::Host)));
        assert_eq!(MatchField::from_name("nonsense"), None);
    }
}
