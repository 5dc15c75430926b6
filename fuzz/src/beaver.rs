//! What must hold for any bytes that are taken for a message of Beaver.

use weir_record::{Format, InnerFormats, MessageParser, RecordFields, Timestamp};

/// The longest message that is parsed.
const BYTES_MAX: usize = 1 << 20;

/// Parses `message`, in which `type: nginx` means a line of nginx, and asks for every field by its name.
///
/// # Panics
///
/// When an outcome breaks a promise of the parser; that is what the fuzzer reports.
pub fn check_beaver(message: &[u8]) {
    let inner = InnerFormats { by: "type".into(), map: vec![("nginx".into(), Format::NginxJson)] };
    let mut parsed = 0;
    MessageParser::new(Format::Beaver, &inner, BYTES_MAX).parse(
        message,
        Timestamp::from_seconds(0),
        |line| {
            parsed += 1;
            assert_eq!(line.bytes, message, "a message is kept as it came");
            let Ok(record) = line.outcome else { return };
            let fields = RecordFields::new(record, line.context("fuzz"));
            fields.for_each(&mut |name, value| assert_eq!(fields.field(name), Some(value), "{name}"));
        },
    );
    assert_eq!(parsed, 1, "a message is a record or a reject");
}
