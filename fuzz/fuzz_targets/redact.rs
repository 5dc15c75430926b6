//! Any bytes as a line of any format that secrets are taken out of.
#![no_main]

use std::borrow::Cow;

use weir_enrich::{RedactRule, Redactor, RuleSet};
use weir_record::Format;

libfuzzer_sys::fuzz_target!(|line: &[u8]| {
    let names = || vec!["token".to_owned(), "p".to_owned()];
    let whole = |field: &str| RedactRule { field: field.to_owned(), ..RedactRule::default() };
    let redactor = Redactor::new(&[
        RedactRule { params: names(), json_keys: names(), ..whole("query") },
        whole("path"),
        whole("query"),
        whole("host"),
        whole("client_ip"),
        whole("user_agent"),
    ]);
    for format in
        [None, Some(Format::Alb), Some(Format::NginxJson), Some(Format::Combined), Some(Format::Ndjson)]
    {
        let redacted = redactor.line(format, line, RuleSet::ALL);
        if let Cow::Owned(redacted) = &redacted {
            assert_ne!(**redacted, *line, "what is copied has changed");
        }
    }
});
