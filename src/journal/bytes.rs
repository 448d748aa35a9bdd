//! Variable-length integers and length-prefixed bytes, and a cursor that never reads past the end.

use super::record::Unreadable;

pub(super) fn put_unsigned(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Zigzag: small numbers of either sign are short.
pub(super) fn put_signed(value: i64, out: &mut Vec<u8>) {
    put_unsigned(((value << 1) ^ (value >> 63)) as u64, out);
}

pub(super) fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    put_unsigned(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { rest: bytes }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn byte(&mut self, what: &'static str) -> Result<u8, Unreadable> {
        let (first, rest) = self.rest.split_first().ok_or(Unreadable::Short(what))?;
        self.rest = rest;
        Ok(*first)
    }

    pub(super) fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Unreadable> {
        let (first, rest) = self.rest.split_first_chunk::<N>().ok_or(Unreadable::Short(what))?;
        self.rest = rest;
        Ok(*first)
    }

    pub(super) fn unsigned(&mut self, what: &'static str) -> Result<u64, Unreadable> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte(what)?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Unreadable::Damaged(what, "it has more than 64 bits".to_owned()))
    }

    pub(super) fn small<T: TryFrom<u64>>(&mut self, what: &'static str) -> Result<T, Unreadable> {
        let value = self.unsigned(what)?;
        T::try_from(value).map_err(|_| Unreadable::Damaged(what, format!("{value} is out of range")))
    }

    pub(super) fn signed(&mut self, what: &'static str) -> Result<i64, Unreadable> {
        let value = self.unsigned(what)?;
        Ok(((value >> 1) as i64) ^ -((value & 1) as i64))
    }

    pub(super) fn bytes(&mut self, what: &'static str) -> Result<&'a [u8], Unreadable> {
        let length: usize = self.small(what)?;
        let (first, rest) = self.rest.split_at_checked(length).ok_or(Unreadable::Short(what))?;
        self.rest = rest;
        Ok(first)
    }

    pub(super) fn text(&mut self, what: &'static str) -> Result<&'a str, Unreadable> {
        std::str::from_utf8(self.bytes(what)?).map_err(|error| Unreadable::Damaged(what, error.to_string()))
    }
}
