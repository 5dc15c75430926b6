//! Where a field stands in a line that has no keys.
//!
//! Two ways, both used: by counting fields, which also finds them in a line that was cut or has something wrong
//! in another field, and by asking the parser, whose values are parts of the line. Where they differ, on lines
//! that clients have mangled, both places go.

use weir_record::{Field, Format, alb, canonical_name, combined};

use super::symbol::is_name_byte;

/// A field that has a place in some format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What the parser calls it.
    field: Option<Field>,
    /// Our name or, for what the parser does not read, AWS' or nginx's.
    name: String,
}

/// The fields of an ALB line, by their numbers from 0. Source: AWS, "Access log entries".
const ALB_FIELDS: &[(&str, &[usize])] = &[
    ("load_balancer", &[2]),
    ("client_ip", &[3]),
    ("target", &[4, 25]),
    ("path", &[23, 31]),
    ("query", &[23, 31]),
    ("host", &[18, 23, 30]),
    ("user_agent", &[13]),
    ("ssl_cipher", &[14]),
    ("ssl_protocol", &[15]),
    ("target_group", &[16]),
    ("trace_id", &[17]),
    ("chosen_cert_arn", &[19]),
    ("actions", &[22]),
    ("redirect_url", &[23]),
    ("error_reason", &[24]),
    ("target_port_list", &[25]),
    ("target_status_code_list", &[26]),
    ("classification", &[27]),
    ("classification_reason", &[28]),
    ("conn_trace_id", &[29]),
    ("transformed_host", &[30]),
    ("transformed_uri", &[31]),
    ("request_transform_status", &[32]),
    ("node", &[33]),
];

/// The number of the request among an ALB line's fields.
const ALB_REQUEST: usize = 12;

/// The longest host that is looked for where the parser has copied it; a DNS name has at most 253 bytes.
const HOST_BYTES_MAX: usize = 1024;

/// More fields than an ALB line has; a client's spaces and quotes may make any number of them.
const ALB_FIELDS_MAX: usize = 64;

impl Place {
    /// The place of the field that users call `name`, if any format has one for it.
    pub fn of(name: &str) -> Option<Self> {
        let canonical = canonical_name(name);
        let field = Field::from_name(canonical);
        let is_known = field.is_some()
            || canonical == "remote_user"
            || ALB_FIELDS.iter().any(|(known, _)| *known == canonical);
        is_known.then(|| Self { field, name: canonical.to_owned() })
    }

    /// Gives `each` the places of the field in `line`.
    pub fn find(&self, format: Option<Format>, line: &[u8], each: &mut dyn FnMut(usize, usize)) {
        let parsed = match format {
            Some(Format::Alb) => {
                self.find_in_alb(line, each);
                alb::parse_line(line).ok()
            }
            Some(Format::Combined) => {
                self.find_in_combined(line, each);
                combined::parse(line).ok()
            }
            _ => return,
        };
        let Some((request, field)) = parsed.as_ref().zip(self.field) else { return };
        let Some(value) = request.field(field) else { return };
        match place_in(line, &value) {
            Some((start, end)) => {
                let is_rooted = field == Field::Path && value.starts_with(b"/");
                each(start + usize::from(is_rooted), end);
            }
            // A host in capitals was copied; a path of `/` may be nowhere in the line.
            None if field == Field::Host => occurrences(line, &value, each),
            None => {}
        }
    }

    fn find_in_alb(&self, line: &[u8], each: &mut dyn FnMut(usize, usize)) {
        let fields = alb_fields(line);
        let is_there = |text: &[u8]| !text.is_empty() && text != b"-";
        if let Some((_, numbers)) = ALB_FIELDS.iter().find(|(name, _)| *name == self.name) {
            let places = numbers.iter().filter_map(|number| fields.get(*number));
            places.filter(|place| is_there(&line[place.0..place.1])).for_each(|place| each(place.0, place.1));
        }
        if let Some(&(start, end)) = fields.get(ALB_REQUEST) {
            self.find_in_request(line, start, end, each);
        }
    }

    fn find_in_combined(&self, line: &[u8], each: &mut dyn FnMut(usize, usize)) {
        let quotes = line.iter().enumerate().filter(|(_, byte)| **byte == b'"').map(|(at, _)| at);
        let request = quotes.map(|quote| (quote, &line[..quote])).find(|(_, head)| head.ends_with(b"] "));
        let Some((quote, head)) = request else {
            // Who asked comes first, in whatever is left of the line.
            if matches!(self.name.as_str(), "client_ip" | "host") {
                words(line).take(2).for_each(|(start, end)| each(start, end));
            }
            return;
        };
        let quoted = quoted_texts(line, quote);
        match self.name.as_str() {
            "client_ip" | "host" | "remote_user" => self.find_in_head(head, each),
            "referer" => quoted.get(1).into_iter().for_each(|place| each(place.0, place.1)),
            "user_agent" => quoted.get(2).into_iter().for_each(|place| each(place.0, place.1)),
            _ => {
                if let Some(&(start, end)) = quoted.first() {
                    self.find_in_request(line, start, end, each);
                }
            }
        }
    }

    /// `address - user [time] `, or the same behind a host.
    fn find_in_head(&self, head: &[u8], each: &mut dyn FnMut(usize, usize)) {
        let end = head.iter().rposition(|&byte| byte == b'[').unwrap_or(head.len());
        let places: Vec<(usize, usize)> = words(&head[..end]).collect();
        let is_dash = |at: usize| places.get(at).is_some_and(|&(start, end)| head[start..end] == *b"-");
        let has_host = !is_dash(1) && is_dash(2) && places.len() > 3;
        let address = usize::from(has_host);
        match self.name.as_str() {
            "client_ip" => places.get(address).into_iter().for_each(|place| each(place.0, place.1)),
            "host" if has_host => each(places[0].0, places[0].1),
            "remote_user" => {
                // A user name may have blanks in it.
                let user = places.get(address + 2).zip(places.last());
                if let Some((first, last)) = user.filter(|(first, _)| head[first.0..first.1] != *b"-") {
                    each(first.0, last.1);
                }
            }
            _ => {}
        }
    }

    /// `METHOD scheme://host:port/path?query HTTP/1.1` between `start` and `end`.
    fn find_in_request(&self, line: &[u8], start: usize, end: usize, each: &mut dyn FnMut(usize, usize)) {
        let request = &line[start..end];
        let Some(space) = request.iter().position(|&byte| byte == b' ') else { return };
        let url_start = start + space + 1;
        let last = request.iter().rposition(|&byte| byte == b' ').filter(|&last| last > space);
        let is_version = |last: &usize| {
            let word = &request[last + 1..];
            word.starts_with(b"HTTP/") || word == b"-" || word.is_empty()
        };
        let url_end = last.filter(is_version).map_or(end, |last| start + last);
        let url = &line[url_start..url_end.max(url_start)];
        let scheme = url.windows(3).position(|part| part == b"://").filter(|&at| at <= b"https".len());
        let authority = scheme.map_or(0, |at| at + 3);
        let path = match scheme {
            Some(_) => url[authority..].iter().position(|&byte| matches!(byte, b'/' | b'?')),
            None => Some(0),
        };
        let path = path.map_or(url.len(), |at| authority + at);
        let mark = url[path..].iter().position(|&byte| byte == b'?').map(|at| path + at);
        let (from, to) = match self.name.as_str() {
            "host" if scheme.is_some() => {
                let host = &url[authority..path];
                let is_address = host.first() == Some(&b'[');
                let len = host.iter().position(|&byte| byte == if is_address { b']' } else { b':' });
                (authority, authority + len.map_or(host.len(), |len| len + usize::from(is_address)))
            }
            "path" => (path + usize::from(url.get(path) == Some(&b'/')), mark.unwrap_or(url.len())),
            "query" => (mark.map_or(url.len(), |mark| mark + 1), url.len()),
            _ => return,
        };
        each(url_start + from, url_start + to);
    }
}

/// The fields of an ALB line without their quotes; a quote ends a field where a blank or nothing follows it.
fn alb_fields(line: &[u8]) -> Vec<(usize, usize)> {
    let mut fields = Vec::with_capacity(34);
    let mut at = 0;
    while at < line.len() && fields.len() < ALB_FIELDS_MAX {
        if line[at] == b'"' {
            let closes = |&end: &usize| line[end] == b'"' && matches!(line.get(end + 1), None | Some(b' '));
            let end = (at + 1..line.len()).find(closes).unwrap_or(line.len());
            fields.push((at + 1, end));
            at = end + 2;
        } else {
            let len = line[at..].iter().position(|&byte| byte == b' ').unwrap_or(line.len() - at);
            fields.push((at, at + len));
            at += len + 1;
        }
    }
    fields
}

/// The texts in quotes from the one at `quote` on, of which an escaped quote ends none.
fn quoted_texts(line: &[u8], quote: usize) -> Vec<(usize, usize)> {
    const TEXTS_MAX: usize = 3;
    let mut texts = Vec::new();
    let mut open = None;
    let mut at = quote;
    while at < line.len() && texts.len() < TEXTS_MAX {
        match (line[at], open) {
            (b'\\', Some(_)) => at += 1,
            (b'"', Some(start)) => {
                texts.push((start, at));
                open = None;
            }
            (b'"', None) => open = Some(at + 1),
            _ => {}
        }
        at += 1;
    }
    texts.extend(open.filter(|_| texts.len() < TEXTS_MAX).map(|start| (start, line.len())));
    texts
}

/// The words of a text: what blanks, and the NULs of a rotated file, stand between.
fn words(text: &[u8]) -> impl Iterator<Item = (usize, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let is_blank = |byte: &u8| matches!(byte, b' ' | 0);
        at += text[at..].iter().take_while(|byte| is_blank(byte)).count();
        let len = text[at..].iter().take_while(|byte| !is_blank(byte)).count();
        let word = (at, at + len);
        at += len;
        (len > 0).then_some(word)
    })
}

/// Where `value` lies in `line`, if it is a part of it and no copy.
fn place_in(line: &[u8], value: &[u8]) -> Option<(usize, usize)> {
    let start = value.as_ptr().addr().checked_sub(line.as_ptr().addr())?;
    let end = start.checked_add(value.len())?;
    (end <= line.len()).then_some((start, end))
}

/// Every place of `value` in `line`, in capitals or not, that is no part of a longer name.
fn occurrences(line: &[u8], value: &[u8], each: &mut dyn FnMut(usize, usize)) {
    if value.is_empty() || value.len() > HOST_BYTES_MAX {
        return;
    }
    for (start, part) in line.windows(value.len()).enumerate() {
        let end = start + value.len();
        let is_inside = |at: Option<&u8>| at.is_some_and(|&byte| is_name_byte(byte));
        let before = start.checked_sub(1).and_then(|at| line.get(at));
        if !is_inside(before) && !is_inside(line.get(end)) && part.eq_ignore_ascii_case(value) {
            each(start, end);
        }
    }
}
