//! Protocol buffers as they are on the wire: a message is a run of numbered values.
//!
//! Written by hand and not derived: the messages here are walked once and become text, and a derived decoder
//! makes a tree first, in which two bytes of a body may take two hundred. Source: protobuf.dev, "Encoding".

/// A value with the number of its field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Wire<'a> {
    /// A whole number or a boolean.
    Varint(u64),
    /// Eight bytes: `fixed64`, `double`.
    Fixed64(u64),
    /// Four bytes: `fixed32`.
    Fixed32(u32),
    /// A text, bytes, or a message.
    Bytes(&'a [u8]),
}

/// The bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotProtobuf;

impl From<NotProtobuf> for super::DecodeError {
    fn from(_: NotProtobuf) -> Self {
        Self::Malformed("the body is no protobuf of this kind, or was cut off".to_owned())
    }
}

/// The values of a message, in their order. It ends after the first error.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn value(&mut self) -> Option<(u32, Wire<'a>)> {
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).ok().filter(|&number| number > 0)?;
        let value = match key & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => Wire::Fixed64(u64::from_le_bytes(*self.take(8)?.first_chunk()?)),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Wire::Bytes(self.take(length)?)
            }
            5 => Wire::Fixed32(u32::from_le_bytes(*self.take(4)?.first_chunk()?)),
            // Groups are not in use since 2008.
            _ => return None,
        };
        Some((number, value))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Wire<'a>), NotProtobuf>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let value = self.value();
        if value.is_none() {
            self.rest = &[];
        }
        Some(value.ok_or(NotProtobuf))
    }
}

/// Writes a field that is a whole number.
pub(super) fn put_varint(out: &mut Vec<u8>, number: u32, value: u64) {
    push_varint(out, u64::from(number) << 3);
    push_varint(out, value);
}

/// Writes a field that is a text or a message.
pub(super) fn put_bytes(out: &mut Vec<u8>, number: u32, value: &[u8]) {
    push_varint(out, u64::from(number) << 3 | 2);
    push_varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut message = Vec::new();
        put_varint(&mut message, 1, 300);
        put_bytes(&mut message, 2, b"text");
        message.extend_from_slice(&[0x19, 1, 0, 0, 0, 0, 0, 0, 0, 0x25, 2, 0, 0, 0]);
        let values: Vec<_> = Fields::of(&message).collect::<Result<_, _>>().expect("a message");
        let expected = vec![
            (1, Wire::Varint(300)),
            (2, Wire::Bytes(b"text")),
            (3, Wire::Fixed64(1)),
            (4, Wire::Fixed32(2)),
        ];
        assert_eq!(values, expected);
        for cut in 1..message.len() {
            // It ends, with an error or at the end of a value.
            assert!(Fields::of(&message[..cut]).count() <= 4);
        }
    }

    #[test]
    fn what_is_no_message_is_an_error_and_an_end() {
        for bytes in [
            b"\x00\x01" as &[u8],
            b"\x0b",
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"\x12\x05ab",
        ] {
            assert_eq!(Fields::of(bytes).collect::<Vec<_>>(), [Err(NotProtobuf)], "{bytes:?}");
        }
    }
}
