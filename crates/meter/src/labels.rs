//! The label set of one request, and how it gives way when there are too many.
//!
//! Labels are borrowed while a request is counted and owned once per series, in one piece of text: a
//! million look-ups then allocate nothing, and a series costs one allocation instead of five.

use weir_record::Status;

/// What a label says when its own value found no room.
pub const OTHER: &str = "__other__";

/// The labels that a request is counted under; an empty text is "no such label".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Labels<'a> {
    /// Virtual host.
    pub host: &'a str,
    /// One of the known methods, or `OTHER`.
    pub method: &'static str,
    /// The route.
    pub path: &'a str,
    /// The target group's ARN.
    pub target_group: &'a str,
    /// The service's name.
    pub application: &'a str,
    /// The status sent to the client.
    pub status: Option<Status>,
}

/// How much of a label set was given up, in the order in which it is.
///
/// A client controls path, host and method, so they go first; what the operator is paged for
/// (status, then target group) stays longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Folding {
    None,
    Path,
    Host,
    Method,
    TargetGroup,
}

impl Folding {
    /// The step with this number, as [`crate::durable::StoredLabels::folding`] keeps it.
    pub(crate) fn from_number(number: u8) -> Self {
        match number {
            0 => Folding::None,
            1 => Folding::Path,
            2 => Folding::Host,
            3 => Folding::Method,
            _ => Folding::TargetGroup,
        }
    }

    /// The next step; the last one always finds room, so it has none after it.
    pub(crate) fn next(self) -> Self {
        match self {
            Folding::None => Folding::Path,
            Folding::Path => Folding::Host,
            Folding::Host => Folding::Method,
            Folding::Method | Folding::TargetGroup => Folding::TargetGroup,
        }
    }
}

impl<'a> Labels<'a> {
    /// These labels with everything up to `folding` replaced.
    pub(crate) fn folded(mut self, folding: Folding) -> Self {
        let replace = |value: &'a str| if value.is_empty() { value } else { OTHER };
        if folding >= Folding::Path {
            self.path = replace(self.path);
        }
        if folding >= Folding::Host {
            self.host = replace(self.host);
        }
        if folding >= Folding::Method {
            self.method = OTHER;
        }
        if folding >= Folding::TargetGroup {
            self.target_group = replace(self.target_group);
        }
        self
    }
}

/// A label set that owns its text: one allocation, compared piece by piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnedLabels {
    text: Box<str>,
    host_end: u32,
    path_end: u32,
    target_group_end: u32,
    method: &'static str,
    status: Option<Status>,
}

impl OwnedLabels {
    pub(crate) fn new(labels: &Labels<'_>) -> Self {
        let text = [labels.host, labels.path, labels.target_group, labels.application].concat();
        let host_end = labels.host.len();
        let path_end = host_end + labels.path.len();
        let target_group_end = path_end + labels.target_group.len();
        Self {
            text: text.into(),
            host_end: host_end as u32,
            path_end: path_end as u32,
            target_group_end: target_group_end as u32,
            method: labels.method,
            status: labels.status,
        }
    }

    pub(crate) fn borrow(&self) -> Labels<'_> {
        let (host_end, path_end) = (self.host_end as usize, self.path_end as usize);
        let target_group_end = self.target_group_end as usize;
        Labels {
            host: &self.text[..host_end],
            method: self.method,
            path: &self.text[host_end..path_end],
            target_group: &self.text[path_end..target_group_end],
            application: &self.text[target_group_end..],
            status: self.status,
        }
    }

    /// Whether these are `labels`. Asked for every record, so the lengths come first.
    #[inline]
    pub(crate) fn matches(&self, labels: &Labels<'_>) -> bool {
        let (host_end, path_end) = (self.host_end as usize, self.path_end as usize);
        let target_group_end = self.target_group_end as usize;
        let text = self.text.as_bytes();
        labels.host.len() == host_end
            && labels.path.len() == path_end - host_end
            && labels.target_group.len() == target_group_end - path_end
            && self.status == labels.status
            && text[..host_end] == *labels.host.as_bytes()
            && text[host_end..path_end] == *labels.path.as_bytes()
            && text[path_end..target_group_end] == *labels.target_group.as_bytes()
            && text[target_group_end..] == *labels.application.as_bytes()
            && self.method == labels.method
    }
}
