//! What can be asked: every route with its method and its parameters.
//!
//! A table in words for people. That it is complete and right is not left to whoever writes it: the tests ask
//! every route for a parameter that does not exist, and compare what the handler says that it takes.

/// A route and a method.
pub(super) struct Endpoint {
    pub method: &'static str,
    pub path: &'static str,
    pub summary: &'static str,
    pub parameters: &'static [Parameter],
    /// The shape of the body, where one is sent.
    pub body: Option<&'static str>,
    pub answer: Answer,
}

/// What comes back.
#[derive(Clone, Copy)]
pub(super) enum Answer {
    /// JSON of this shape.
    Shape(&'static str),
    /// A JSON list of this shape.
    List(&'static str),
    /// A page as JSON, or everything as lines.
    Search,
    /// JSON objects, one per line.
    Lines,
    /// Server-sent events.
    Events,
    /// Text.
    Text,
}

/// A parameter.
pub(super) struct Parameter {
    pub name: &'static str,
    /// `query` or `path`.
    pub place: &'static str,
    pub kind: &'static str,
    pub is_required: bool,
    pub description: &'static str,
}

const fn text(name: &'static str, description: &'static str) -> Parameter {
    Parameter { name, place: "query", kind: "string", is_required: false, description }
}

const fn number(name: &'static str, description: &'static str) -> Parameter {
    Parameter { name, place: "query", kind: "integer", is_required: false, description }
}

const fn in_path(name: &'static str, kind: &'static str, description: &'static str) -> Parameter {
    Parameter { name, place: "path", kind, is_required: true, description }
}

const QUERY: Parameter =
    text("query", "In the query language, as status:>=500 AND route:/checkout/*; all records by default.");
const FROM: Parameter = text("from", "Inclusive; an hour before `to` by default.");
const TO: Parameter = text("to", "Exclusive; now by default.");
const TZ: Parameter =
    text("tz", "The zone of the answer's times and of days, as Europe/Berlin; UTC by default.");
const FIELDS: Parameter = text("fields", "Only these fields, separated by commas.");

const fn get(
    path: &'static str,
    summary: &'static str,
    parameters: &'static [Parameter],
    answer: Answer,
) -> Endpoint {
    Endpoint { method: "GET", path, summary, parameters, body: None, answer }
}

const fn post(path: &'static str, summary: &'static str, body: &'static str, answer: Answer) -> Endpoint {
    Endpoint { method: "POST", path, summary, parameters: &[], body: Some(body), answer }
}

const fn push(
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    parameters: &'static [Parameter],
) -> Endpoint {
    Endpoint { method, path, summary, parameters, body: None, answer: Answer::Text }
}

const PAIRS: &[Parameter] = &[in_path("pairs", "string", "job/NAME and further pairs of labels and values.")];
const PUSH: &str = "Counts what is pushed, as text of Prometheus' format or delimited protobuf.";
const DELETE: &str = "Deletes the series of exactly these labels.";
const PREFLIGHT: &str = "Tells a browser whether a page of another origin may push.";

const fn write(
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    parameters: &'static [Parameter],
    answer: Answer,
) -> Endpoint {
    Endpoint { method, path, summary, parameters, body: None, answer }
}

const SOURCE: Parameter =
    text("source", "The source that it is for, one of type http; the first by default.");
const ELASTIC: &str = "What clients of Elasticsearch ask before they write: version, licence, templates.";
const ELASTIC_WRITE: &str = "_bulk, INDEX/_bulk, INDEX/_doc: documents as Elasticsearch takes them.";
const ELASTIC_MAKE: &str =
    "Templates, policies and indices: acknowledged and forgotten; documents with an id.";
const ELASTIC_PATH: &[Parameter] = &[in_path("path", "string", "As in Elasticsearch.")];

/// All of them.
pub(super) const ENDPOINTS: &[Endpoint] = &[
    get(
        "/api/search",
        "Records that match, newest first; with format=ndjson or csv all of them, however many.",
        &[
            QUERY,
            FROM,
            TO,
            number(
                "limit",
                "Records at most: 100 by default, 10,000 at most. Lines are limited only by this.",
            ),
            text("order", "newest (also -@timestamp) or oldest (also @timestamp)."),
            text("cursor", "Goes on where the answer with this cursor ended."),
            FIELDS,
            TZ,
            Parameter {
                name: "total",
                place: "query",
                kind: "boolean",
                is_required: false,
                description: "false: do not count what is not shown; the total is null.",
            },
            text("format", "json: a page. ndjson, csv: everything, streamed."),
        ],
        Answer::Search,
    ),
    get(
        "/api/aggregate",
        "Numbers of groups, by a query that ends with | stats.",
        &[QUERY, FROM, TO, TZ],
        Answer::Shape("AggregateAnswer"),
    ),
    post(
        "/api/aggregate",
        "Numbers of groups: counts, percentiles, sums, by fields and spans of time.",
        "AggregateRequest",
        Answer::Shape("AggregateAnswer"),
    ),
    get(
        "/api/tail",
        "Records as they come: an event for each, and events not_shown with how many were left out.",
        &[QUERY, FIELDS, TZ],
        Answer::Events,
    ),
    get(
        "/api/fields",
        "The fields of the records that match, and their most frequent values.",
        &[
            QUERY,
            FROM,
            TO,
            text("field", "Only these fields, separated by commas."),
            number("top", "Values of each field at most: 10 by default, 1,000 at most."),
        ],
        Answer::Shape("FieldsAnswer"),
    ),
    get(
        "/api/story",
        "What belongs to one request in all sources, by request and trace ids, oldest first.",
        &[
            text("request_id", "Begins with this request id."),
            text("trace_id", "Begins with this trace id."),
            text("from", "Inclusive; the first record by default."),
            text("to", "Exclusive; the last record by default."),
            TZ,
        ],
        Answer::Shape("StoryAnswer"),
    ),
    get(
        "/api/context",
        "What happened around a record, oldest first.",
        &[
            Parameter {
                name: "id",
                place: "query",
                kind: "string",
                is_required: true,
                description: "The record's _id.",
            },
            number("before", "Records before it: 10 by default, 1,000 at most."),
            number("after", "Records behind it: 10 by default, 1,000 at most."),
            text("same", "Fields that must be as in the record: source,node by default; empty: none."),
            TZ,
        ],
        Answer::Shape("ContextAnswer"),
    ),
    get(
        "/api/line",
        "The line that a record came from: as it is kept, else read again from its file or object.",
        &[Parameter {
            name: "id",
            place: "query",
            kind: "string",
            is_required: true,
            description: "The record's _id.",
        }],
        Answer::Shape("LineAnswer"),
    ),
    post("/api/delete", "Removes records for good.", "DeleteRequest", Answer::Shape("DeleteAnswer")),
    get(
        "/api/routes",
        "Requests, errors and percentiles per source, service, route and method. Without a query from the minutes.",
        &[
            FROM,
            TO,
            QUERY,
            text(
                "by",
                "What rows are of: any of source,service,route,method; all four by default, none: one row.",
            ),
        ],
        Answer::Shape("RoutesAnswer"),
    ),
    get("/api/sources", "What came of each source.", &[], Answer::Shape("SourcesStatus")),
    get(
        "/api/status",
        "Version, disk, budgets, and the config in force without secrets.",
        &[],
        Answer::Shape("ServerStatus"),
    ),
    get(
        "/api/notifications",
        "Messages that were sent, that wait, and that are due.",
        &[],
        Answer::Shape("NotificationsAnswer"),
    ),
    get("/api/searches", "Saved searches, by name.", &[], Answer::Shape("SearchesAnswer")),
    Endpoint {
        method: "PUT",
        path: "/api/searches/{name}",
        summary: "Saves a search, in the place of the one with this name.",
        parameters: &[in_path("name", "string", "Its name, of 1 to 100 characters.")],
        body: Some("SearchText"),
        answer: Answer::Shape("SavedSearch"),
    },
    Endpoint {
        method: "DELETE",
        path: "/api/searches/{name}",
        summary: "Removes a saved search.",
        parameters: &[in_path("name", "string", "Its name.")],
        body: None,
        answer: Answer::Text,
    },
    get(
        "/api/audit",
        "Who signed in, removed, silenced, replayed; the youngest first.",
        &[
            number("before", "Only those with ids below this one."),
            number("limit", "Entries at most: 100 by default, 1,000 at most."),
        ],
        Answer::Shape("AuditPage"),
    ),
    get("/api/session", "Who is signed in, and whether anybody has to.", &[], Answer::Shape("SessionStatus")),
    post(
        "/api/session",
        "Signs in, for a browser; needs X-Weir-Page: 1.",
        "SignIn",
        Answer::Shape("SessionStatus"),
    ),
    Endpoint {
        method: "DELETE",
        path: "/api/session",
        summary: "Signs out; needs X-Weir-Page: 1.",
        parameters: &[],
        body: None,
        answer: Answer::Text,
    },
    get(
        "/api/slas",
        "What became of promises: counts, budgets, speeds, and up to when they are known.",
        &[],
        Answer::Shape("SlasAnswer"),
    ),
    get(
        "/api/alerts",
        "Alerts that are pending, fire or were just resolved, why, and what changed before.",
        &[],
        Answer::Shape("AlertsAnswer"),
    ),
    get(
        "/api/backtest",
        "What alerts of the config there would have been, with another threshold or objective; and the messages.",
        &[
            text("sla", "Only this SLA; everything by default."),
            text("alert", "Only this alert."),
            text("threshold", "Another time within which requests are to be answered, as 0.3s; with sla."),
            text("objective", "Another percentage that must be good; with sla."),
            text("from", "The first moment; 30 days before `to` by default."),
            text("to", "The last moment; now by default."),
            text(
                "pages_per_month",
                "Suggest a setting that would have told people at most so often in 30 days.",
            ),
        ],
        Answer::Shape("BacktestAnswer"),
    ),
    post(
        "/api/backtest",
        "What alerts of another config there would have been.",
        "BacktestRequest",
        Answer::Shape("BacktestAnswer"),
    ),
    get(
        "/api/rejects",
        "Lines that are no records, oldest first.",
        &[
            number("after", "Only those with ids above this one."),
            number("limit", "Rows at most: 100 by default, 1,000 at most."),
            text("source", "Only of this source."),
            text("reason", "Only with this reason."),
        ],
        Answer::Shape("RejectsPage"),
    ),
    get(
        "/api/rejects/{id}",
        "One reject, whole.",
        &[in_path("id", "integer", "Its id.")],
        Answer::Shape("RejectDetail"),
    ),
    post(
        "/api/rejects/replay",
        "Reads rejects again, and counts those that are records now; one of them as another text.",
        "ReplayRequest",
        Answer::Shape("ReplayResult"),
    ),
    post(
        "/api/backfill",
        "Counts objects of a bucket that nobody told of; a line for each step.",
        "BackfillRequest",
        Answer::Lines,
    ),
    get(
        "/api/v2/alerts",
        "Alerts, as Alertmanager lists them.",
        &[
            text("filter", "What they must meet, as severity=\"page\"; may come several times."),
            text("active", "false leaves out those that people are told of."),
            text("silenced", "false leaves out silenced ones."),
            text("inhibited", "false leaves out those that another keeps quiet."),
            text("unprocessed", "For the sake of Alertmanager's clients; there are none."),
            text("receiver", "Only those of receivers whose name meets this regular expression."),
        ],
        Answer::List("ShownAlert"),
    ),
    get(
        "/api/v2/status",
        "What became of messages, as Alertmanager shows itself.",
        &[],
        Answer::Shape("AlertingStatus"),
    ),
    get(
        "/api/v2/silences",
        "Silences, as Alertmanager lists them.",
        &[text("filter", "A matcher that they must have; may come several times.")],
        Answer::List("ShownSilence"),
    ),
    post("/api/v2/silences", "Makes or changes a silence.", "PostableSilence", Answer::Shape("SilenceId")),
    get(
        "/api/v2/silence/{id}",
        "One silence.",
        &[in_path("id", "string", "Its name.")],
        Answer::Shape("ShownSilence"),
    ),
    Endpoint {
        method: "DELETE",
        path: "/api/v2/silence/{id}",
        summary: "Ends a silence.",
        parameters: &[in_path("id", "string", "Its name.")],
        body: None,
        answer: Answer::Text,
    },
    get("/api/openapi.json", "This document.", &[], Answer::Shape("Document")),
    get("/metrics", "All series, in the format that Accept asks for.", &[], Answer::Text),
    push("POST", "/metrics", PUSH, &[]),
    push("PUT", "/metrics", PUSH, &[]),
    push("DELETE", "/metrics", DELETE, &[]),
    push("OPTIONS", "/metrics", PREFLIGHT, &[]),
    push("POST", "/metrics/", PUSH, &[]),
    push("PUT", "/metrics/", PUSH, &[]),
    push("DELETE", "/metrics/", DELETE, &[]),
    push("OPTIONS", "/metrics/", PREFLIGHT, &[]),
    push("POST", "/metrics/{*pairs}", PUSH, PAIRS),
    push("PUT", "/metrics/{*pairs}", PUSH, PAIRS),
    push("DELETE", "/metrics/{*pairs}", DELETE, PAIRS),
    push("OPTIONS", "/metrics/{*pairs}", PREFLIGHT, PAIRS),
    write(
        "POST",
        "/ingest/ndjson",
        "Takes a JSON object per line; answers when all of them are durable.",
        &[SOURCE],
        Answer::Shape("WriteAnswer"),
    ),
    write("OPTIONS", "/ingest/ndjson", PREFLIGHT, &[], Answer::Text),
    write(
        "POST",
        "/gelf",
        "Takes GELF messages, one per line; 202 when they are durable.",
        &[SOURCE],
        Answer::Text,
    ),
    write("OPTIONS", "/gelf", PREFLIGHT, &[], Answer::Text),
    write("POST", "/v1/logs", "Takes logs of OTLP/HTTP, protobuf or JSON.", &[SOURCE], Answer::Text),
    write(
        "POST",
        "/loki/api/v1/push",
        "Takes what Loki takes; 204 when it is durable.",
        &[SOURCE],
        Answer::Text,
    ),
    write("GET", "/es", ELASTIC, &[], Answer::Text),
    write("POST", "/es", ELASTIC_WRITE, &[], Answer::Text),
    write("PUT", "/es", ELASTIC_MAKE, &[], Answer::Text),
    write("DELETE", "/es", ELASTIC_MAKE, &[], Answer::Text),
    write("GET", "/es/", ELASTIC, &[], Answer::Text),
    write("POST", "/es/", ELASTIC_WRITE, &[], Answer::Text),
    write("PUT", "/es/", ELASTIC_MAKE, &[], Answer::Text),
    write("DELETE", "/es/", ELASTIC_MAKE, &[], Answer::Text),
    write("GET", "/es/{*path}", ELASTIC, ELASTIC_PATH, Answer::Text),
    write("POST", "/es/{*path}", ELASTIC_WRITE, ELASTIC_PATH, Answer::Text),
    write("PUT", "/es/{*path}", ELASTIC_MAKE, ELASTIC_PATH, Answer::Text),
    write("DELETE", "/es/{*path}", ELASTIC_MAKE, ELASTIC_PATH, Answer::Text),
    write(
        "POST",
        "/-/reload",
        "Reads the config again, as SIGHUP does; says what is in force and what needs a restart.",
        &[],
        Answer::Shape("ReloadAnswer"),
    ),
    get("/-/healthy", "200 while the process lives.", &[], Answer::Text),
    get("/healthy", "200 while the process lives.", &[], Answer::Text),
    get("/-/ready", "200 while the sources run, else 503.", &[], Answer::Text),
    get("/ready", "200 while the sources run, else 503.", &[], Answer::Text),
    get("/", "The page for a browser, else what there is to read.", &[], Answer::Text),
    get(
        "/assets/{*path}",
        "What belongs to the page.",
        &[in_path("path", "string", "As the page names it.")],
        Answer::Text,
    ),
];
