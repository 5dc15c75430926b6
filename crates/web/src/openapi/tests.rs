//! The document against what is served: routes, parameters, shapes, access.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use super::endpoints::Answer;
use super::*;
use crate::{
    AdminProblem, Answer as AdminAnswer, Authentication, BackfillRequest, Gateway, GatewayOptions, Handlers,
    ProblemKind, Records, RecordsProblem, RecordsProblemKind, RejectDetail, ReplayRequest, Routes,
};

fn handlers() -> Handlers {
    fn refused<Q: 'static, T: 'static>() -> crate::AskRecords<Q, T> {
        Arc::new(|_| Box::pin(async { Err(RecordsProblem::new(RecordsProblemKind::Failed, "no", "")) }))
    }
    fn admin<Q: 'static, T: 'static>() -> crate::Ask<Q, T> {
        Arc::new(|_| -> AdminAnswer<T> {
            Box::pin(async { Err(AdminProblem::new(ProblemKind::Failed, "no", "")) })
        })
    }
    Handlers {
        snapshot: Arc::new(|_| weir_meter::Snapshot { families: Vec::new() }),
        routes: Arc::new(|_| Err("no".to_owned())),
        is_ready: Arc::new(|| true),
        gateway: Some(Gateway::new(
            Arc::new(|_| Box::pin(async { crate::PushAnswer::Busy })),
            Arc::new(|_| Box::pin(async { crate::PushAnswer::Busy })),
            GatewayOptions::default(),
        )),
        admin: Some(crate::Admin {
            sources: admin(),
            status: admin(),
            slas: admin(),
            alerts: admin(),
            backtest: admin(),
            backtest_config: admin(),
            reload: admin(),
            rejects: admin(),
            reject: admin(),
            line: admin(),
            replay: admin(),
            backfill: admin(),
        }),
        alerting: Some(crate::Alerting {
            alerts: admin(),
            silences: admin(),
            silence: admin(),
            set_silence: admin(),
            expire_silence: admin(),
            status: admin(),
            notifications: admin(),
        }),
        records: Some(Records {
            search: refused(),
            export: refused(),
            aggregate: refused(),
            tail: refused(),
            fields: refused(),
            routes: refused(),
            story: refused(),
            context: refused(),
            delete: refused(),
        }),
        searches: None,
        audit: None,
        hosts: crate::Hosts::Any,
        site: crate::Site::default(),
        connections: crate::ConnectionLimits::default(),
        writers: crate::Writers::new(
            Arc::new(|_| Box::pin(async { crate::WriteOutcome::Busy })),
            crate::WriterOptions::default(),
        ),
        authentication: Arc::new(Authentication::None),
    }
}

#[test]
fn every_route_is_documented_and_nothing_else() {
    let served: BTreeSet<(String, &str)> =
        Routes::of(&handlers()).served.into_iter().map(|(method, path)| (method.to_string(), path)).collect();
    let documented: BTreeSet<(String, &str)> =
        ENDPOINTS.iter().map(|endpoint| (endpoint.method.to_owned(), endpoint.path)).collect();
    assert_eq!(served, documented);
    let operations = document()["paths"]
        .as_object()
        .map(|paths| paths.values().filter_map(Value::as_object).map(Map::len).sum::<usize>());
    assert_eq!(operations, Some(ENDPOINTS.len()));
}

/// What serde says that a shape takes: the names in the error about one that it does not know.
fn names_of<T: serde::de::DeserializeOwned>(unknown: &str) -> BTreeSet<String> {
    let Err(error) = serde_json::from_str::<T>(unknown) else { panic!("an unknown name was taken") };
    let text = error.to_string();
    let (_, expected) = text.split_once("expected ").expect("serde lists the names");
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_parameter_is_documented_and_nothing_else() {
    let unknown = r#"{"no_such_name": 1}"#;
    let taken = BTreeMap::from([
        ("/api/search", names_of::<crate::SearchQuery>(unknown)),
        ("/api/aggregate", names_of::<crate::AggregateQuery>(unknown)),
        ("/api/tail", names_of::<crate::TailQuery>(unknown)),
        ("/api/fields", names_of::<crate::FieldsQuery>(unknown)),
        ("/api/story", names_of::<crate::StoryQuery>(unknown)),
        ("/api/context", names_of::<crate::ContextQuery>(unknown)),
        ("/api/line", names_of::<crate::LineQuery>(unknown)),
        ("/api/routes", names_of::<crate::RoutesQuery>(unknown)),
        ("/api/backtest", names_of::<crate::BacktestQuery>(unknown)),
        ("/api/rejects", names_of::<crate::RejectsQuery>(unknown)),
        ("/api/audit", names_of::<crate::AuditQuery>(unknown)),
        ("/api/v2/alerts", crate::alerting::ALERT_PARAMETERS.map(str::to_owned).into()),
        ("/api/v2/silences", ["filter".to_owned()].into()),
    ]);
    for endpoint in ENDPOINTS {
        let in_query = endpoint.parameters.iter().filter(|parameter| parameter.place == "query");
        let documented: BTreeSet<String> = in_query.map(|parameter| parameter.name.to_owned()).collect();
        let expected = match (endpoint.method, endpoint.path) {
            ("GET", path) => taken.get(path).cloned().unwrap_or_default(),
            ("POST", "/gelf" | "/ingest/ndjson" | "/v1/logs" | "/loki/api/v1/push") => {
                BTreeSet::from([crate::writers::SOURCE_PARAMETER.to_owned()])
            }
            _ => BTreeSet::new(),
        };
        assert_eq!(documented, expected, "{}", endpoint.path);
        let in_path = endpoint.parameters.iter().filter(|parameter| parameter.place == "path");
        assert_eq!(in_path.count(), endpoint.path.matches('{').count(), "{}", endpoint.path);
    }
}

#[test]
fn every_body_is_documented_and_nothing_else() {
    let unknown = r#"{"no_such_name": 1}"#;
    for (name, taken) in [
        ("AggregateRequest", names_of::<crate::AggregateRequest>(unknown)),
        ("DeleteRequest", names_of::<crate::DeleteRequest>(unknown)),
        ("ReplayRequest", names_of::<ReplayRequest>(unknown)),
        ("BacktestRequest", names_of::<crate::BacktestRequest>(unknown)),
        ("BackfillRequest", names_of::<BackfillRequest>(unknown)),
        ("SearchText", names_of::<crate::SearchText>(unknown)),
        ("SignIn", names_of::<crate::SignIn>(unknown)),
    ] {
        assert_eq!(members(name), taken, "{name}");
    }
}

fn members(name: &str) -> BTreeSet<String> {
    let found = schemas::all().find(|(own, _)| *own == name);
    let (_, members) = found.unwrap_or_else(|| panic!("{name} is not documented"));
    members.iter().map(|(name, _)| (*name).to_owned()).collect()
}

/// The members of an answer are those that are documented.
#[track_caller]
fn check<T: Serialize + Default>(name: &str) {
    let value = serde_json::to_value(T::default()).unwrap();
    let written: BTreeSet<String> = value.as_object().unwrap().keys().cloned().collect();
    assert_eq!(members(name), written, "{name}");
}

#[test]
fn every_answer_of_promises_and_alerts_is_documented_and_nothing_else() {
    check::<crate::SlasAnswer>("SlasAnswer");
    check::<crate::SlaStatus>("SlaStatus");
    check::<crate::SlaBudget>("SlaBudget");
    check::<crate::SlaDay>("SlaDay");
    check::<crate::AlertsAnswer>("AlertsAnswer");
    check::<crate::AlertRow>("AlertRow");
    check::<crate::AlertChange>("AlertChange");
    check::<crate::BacktestAnswer>("BacktestAnswer");
    check::<crate::BacktestRow>("BacktestRow");
    check::<crate::BacktestData>("BacktestData");
    check::<crate::BacktestStep>("BacktestStep");
    check::<crate::BacktestFiring>("BacktestFiring");
    check::<crate::BacktestMails>("BacktestMails");
    check::<crate::BacktestReceiver>("BacktestReceiver");
    check::<crate::BacktestMessage>("BacktestMessage");
    check::<crate::BacktestSuggestion>("BacktestSuggestion");
    check::<crate::ReloadAnswer>("ReloadAnswer");
    check::<crate::NotificationsAnswer>("NotificationsAnswer");
    check::<crate::ReceiverRow>("ReceiverRow");
    check::<crate::DueRow>("DueRow");
    check::<crate::DueAlert>("DueAlert");
    check::<crate::OutboxRow>("OutboxRow");
    check::<crate::SentRow>("SentRow");
    check::<crate::ShownAlert>("ShownAlert");
    check::<crate::AlertReceiver>("AlertReceiver");
    check::<crate::AlertStatus>("AlertStatus");
    check::<crate::ShownSilence>("ShownSilence");
    check::<crate::SilenceStatus>("SilenceStatus");
    check::<crate::SilenceMatcher>("SilenceMatcher");
    check::<crate::SilenceId>("SilenceId");
    check::<crate::AlertingStatus>("AlertingStatus");
    check::<crate::ClusterStatus>("ClusterStatus");
    check::<crate::AlertingVersion>("AlertingVersion");
    check::<crate::ConfigText>("ConfigText");
}

#[test]
fn every_other_answer_is_documented_and_nothing_else() {
    check::<crate::SearchAnswer>("SearchAnswer");
    check::<crate::AggregateAnswer>("AggregateAnswer");
    check::<crate::FieldsAnswer>("FieldsAnswer");
    check::<crate::FieldRow>("FieldRow");
    check::<crate::ValueCount>("ValueCount");
    check::<crate::StoryAnswer>("StoryAnswer");
    check::<crate::ContextAnswer>("ContextAnswer");
    check::<crate::LineAnswer>("LineAnswer");
    check::<crate::DeleteAnswer>("DeleteAnswer");
    check::<crate::RoutesAnswer>("RoutesAnswer");
    check::<crate::Percentiles>("Percentiles");
    check::<crate::RouteRow>("RouteRow");
    check::<crate::SourcesStatus>("SourcesStatus");
    check::<crate::SourceStatus>("SourceStatus");
    check::<crate::DatagramsStatus>("DatagramsStatus");
    check::<crate::NodeStatus>("NodeStatus");
    check::<crate::RejectsPage>("RejectsPage");
    check::<crate::RejectRow>("RejectRow");
    check::<RejectDetail>("RejectDetail");
    check::<crate::ReplayResult>("ReplayResult");
    check::<crate::ReplayProblem>("ReplayProblem");
    check::<crate::WriteAnswerShape>("WriteAnswer");
    check::<crate::WriteReject>("WriteReject");
    check::<crate::SessionStatus>("SessionStatus");
    check::<crate::SearchesAnswer>("SearchesAnswer");
    check::<crate::SavedSearch>("SavedSearch");
    check::<crate::AuditPage>("AuditPage");
    check::<crate::AuditEntry>("AuditEntry");
    check::<crate::ServerStatus>("ServerStatus");
    check::<crate::DiskStatus>("DiskStatus");
    check::<crate::RecordsStatus>("RecordsStatus");
    check::<crate::SeriesStatus>("SeriesStatus");
}

#[test]
fn every_shape_that_is_named_is_there() {
    let text = document().to_string();
    for reference in text.split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(schemas::all().any(|(own, _)| *own == name), "{name}");
    }
    for endpoint in ENDPOINTS {
        if let Answer::Shape(name) | Answer::List(name) = endpoint.answer {
            members(name);
        }
    }
}

#[test]
fn who_may_ask_is_what_the_guard_decides() {
    let paths = document();
    for (path, method, expected) in [
        ("/api/search", "get", json!(["read"])),
        ("/api/aggregate", "post", json!(["read"])),
        ("/api/tail", "get", json!(["read"])),
        ("/api/backtest", "post", json!(["read"])),
        ("/api/delete", "post", json!(["admin"])),
        ("/api/backfill", "post", json!(["admin"])),
        ("/api/rejects/{id}", "get", json!(["read"])),
        ("/metrics", "get", json!(["scrape", "read"])),
        ("/metrics/{*pairs}", "post", json!(["push"])),
        ("/ingest/ndjson", "post", json!(["push"])),
        ("/es/{*path}", "put", json!(["push"])),
        ("/api/session", "post", json!(null)),
        ("/api/searches/{name}", "put", json!(["read"])),
        ("/api/audit", "get", json!(["admin"])),
        ("/assets/{*path}", "get", json!(null)),
        ("/-/healthy", "get", json!(null)),
    ] {
        assert_eq!(paths["paths"][path][method]["x-roles"], expected, "{method} {path}");
    }
}
