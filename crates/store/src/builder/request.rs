//! The fields of a request and of its context into their columns: the hot path.
//!
//! Written out field by field: the struct has them by name, and a table of accessors would cost a call each.

use weir_record::{KNOWN_FIELDS, RecordContext, Request, Value};

use super::RowsBuilder;

/// The column of a known field; a name that is none does not compile where this is a constant.
const fn column(name: &str) -> usize {
    let mut index = 0;
    while index < KNOWN_FIELDS.len() {
        if is_same(KNOWN_FIELDS[index].name.as_bytes(), name.as_bytes()) {
            return index;
        }
        index += 1;
    }
    panic!("no known field has this name")
}

const fn is_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let mut index = 0;
    while index < one.len() {
        if one[index] != other[index] {
            return false;
        }
        index += 1;
    }
    true
}

const SOURCE: usize = column("source");
const SERVICE: usize = column("service");
const HOST: usize = column("host");
const NODE: usize = column("node");
const METHOD: usize = column("method");
const PATH: usize = column("path");
const QUERY: usize = column("query");
const ROUTE: usize = column("route");
const STATUS: usize = column("status");
const REQUEST_TIME: usize = column("request_time");
const UPSTREAM_TIME: usize = column("upstream_time");
const CONNECTION_TIME: usize = column("connection_time");
const BYTES_IN: usize = column("bytes_in");
const BYTES_OUT: usize = column("bytes_out");
const CLIENT_IP: usize = column("client_ip");
const USER_AGENT: usize = column("user_agent");
const REFERER: usize = column("referer");
const REQUEST_ID: usize = column("request_id");
const TRACE_ID: usize = column("trace_id");
const TARGET: usize = column("target");
const TARGET_STATUS: usize = column("target_status");
const TARGET_GROUP: usize = column("target_group");
const LOAD_BALANCER: usize = column("load_balancer");
const RULE_PRIORITY: usize = column("rule_priority");
const ERROR_REASON: usize = column("error_reason");
const ACTIONS: usize = column("actions");

impl RowsBuilder {
    /// Sets what is known beside the line; gives the bytes of text that it took.
    #[inline]
    pub(super) fn set_context(&mut self, row: usize, context: &RecordContext<'_>) -> usize {
        self.columns[SOURCE].set_text(row, context.source.as_bytes());
        let texts =
            [(SERVICE, context.service), (ROUTE, context.route), (TARGET_GROUP, context.target_group)];
        for (column, text) in texts {
            if let Some(text) = text {
                self.columns[column].set_text(row, text.as_bytes());
            }
        }
        0
    }

    /// Sets the fields of a request; gives the bytes of text that it took.
    #[inline]
    pub(super) fn set_request(&mut self, row: usize, request: &Request<'_>) -> usize {
        let texts = [
            (HOST, request.host.as_deref()),
            (NODE, request.node.as_deref()),
            (METHOD, request.method.as_deref()),
            (PATH, request.path.as_deref()),
            (QUERY, request.query.as_deref()),
            (CLIENT_IP, request.client_ip.as_deref()),
            (USER_AGENT, request.user_agent.as_deref()),
            (REFERER, request.referer.as_deref()),
            (REQUEST_ID, request.request_id.as_deref()),
            (TRACE_ID, request.trace_id.as_deref()),
            (TARGET, request.target.as_deref()),
            (LOAD_BALANCER, request.load_balancer),
            (ERROR_REASON, request.error_reason),
            (ACTIONS, request.actions),
        ];
        let mut bytes = 0;
        for (column, text) in texts {
            if let Some(text) = text {
                self.columns[column].set_text(row, text);
                bytes += text.len();
            }
        }
        if let (Some(text), false) = (request.target_group, self.columns[TARGET_GROUP].is_set(row)) {
            self.columns[TARGET_GROUP].set_text(row, text);
        }
        self.set_numbers(row, request);
        bytes
    }

    #[inline]
    fn set_numbers(&mut self, row: usize, request: &Request<'_>) {
        for (column, status) in [(STATUS, request.status), (TARGET_STATUS, request.target_status)] {
            if let Some(status) = status {
                self.columns[column].set_integer(row, status.code().into());
            }
        }
        let times = [
            (REQUEST_TIME, request.latency_us()),
            (CONNECTION_TIME, request.connection_time_us()),
            (UPSTREAM_TIME, request.upstream_time_us),
        ];
        for (column, micros) in times {
            if let Some(micros) = micros {
                // The quotient of exact numbers is the nearest double: 400000 gives 0.4.
                self.columns[column].set_seconds(row, micros as f64 / 1e6);
            }
        }
        for (column, bytes) in [(BYTES_IN, request.bytes_in), (BYTES_OUT, request.bytes_out)] {
            if let Some(bytes) = bytes {
                self.set_size(row, column, bytes);
            }
        }
        if let Some(priority) = request.rule_priority {
            self.columns[RULE_PRIORITY].set_integer(row, priority.into());
        }
    }

    /// A size; one that no disk could hold goes into the map.
    #[inline]
    fn set_size(&mut self, row: usize, column: usize, bytes: u64) {
        match i64::try_from(bytes) {
            Ok(bytes) => self.columns[column].set_integer(row, bytes),
            Err(_) => self.maps.add(row, KNOWN_FIELDS[column].name, &Value::Float(bytes as f64)),
        }
    }
}
