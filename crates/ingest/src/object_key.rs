//! What the name of a load balancer's file tells: which node wrote it, and up to when.
//!
//! The lines do not tell this: a node without requests writes no file, and a file without late lines looks
//! like one that is cut. The name is all that says "this node has delivered everything until 10:15", and
//! that is what a watermark is made of.

use weir_record::Timestamp;

/// The parts of an access log file's name.
///
/// Source: AWS, "Access log files" of the Application Load Balancer guide:
/// `<account>_elasticloadbalancing_<region>_app.<name>.<id>_<end time>_<node address>_<random>.log.gz`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectKey {
    /// The load balancer and its node: who delivers the next file.
    pub node: String,
    /// The end of the five minutes that the file is of.
    pub interval_end: Timestamp,
}

impl ObjectKey {
    /// Reads the name at the end of a path; `None` for any other name.
    pub fn parse(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next()?;
        if !name.contains("_elasticloadbalancing_") {
            return None;
        }
        // From the right, as a load balancer's name has no underscore.
        let mut parts = name.rsplit('_');
        let _random = parts.next()?;
        let address = parts.next()?;
        let end = parts.next()?;
        let load_balancer = parts.next()?;
        let (date, time) = end.strip_suffix('Z')?.split_once('T')?;
        let digits = |text: &str, len| text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(date, 8) || !digits(time, 4) {
            return None;
        }
        let [year, month, day] = [&date[..4], &date[4..6], &date[6..]];
        let text = format!("{year}-{month}-{day}T{}:{}:00Z", &time[..2], &time[2..]);
        Some(Self {
            node: format!("{load_balancer} {address}"),
            interval_end: Timestamp::parse_rfc3339(text.as_bytes())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_node_and_the_end_of_its_interval_are_read() {
        let name =
            "logs/1_elasticloadbalancing_eu-central-1_app.my-lb.50dc_20261120T1015Z_10.0.0.1_abcd1234.log.gz";
        let key = ObjectKey::parse(name).expect("a load balancer's file");
        assert_eq!(key.node, "app.my-lb.50dc 10.0.0.1");
        assert_eq!(key.interval_end.to_string(), "2026-11-20T10:15:00Z");
        for other in [
            "access.log",
            "1_elasticloadbalancing_eu_app.a.b_20261120_10.0.0.1_x.log.gz",
            "",
            "a_elasticloadbalancing_",
        ] {
            assert_eq!(ObjectKey::parse(other), None, "{other}");
        }
    }
}
