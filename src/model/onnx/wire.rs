//! The wire format of protocol buffers, as far as ONNX uses it: fields one after the other, borrowed from the file.
//!
//! Our own and not a generated decoder, because a file is hostile until shown otherwise: nothing is copied or allocated before its length has
//! been checked, weights stay where they are, and the depth is the caller's.

use super::Error;

#[derive(Debug, Clone, Copy)]
pub(super) enum Field<'a> {
    Varint(u64),
    /// ONNX has none that we read.
    Fixed64,
    Bytes(&'a [u8]),
    Fixed32(u32),
}

#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Fields<'a> {
        Fields { bytes, at: 0 }
    }

    /// The number of the next field and what it holds.
    pub(super) fn next(&mut self) -> Result<Option<(u64, Field<'a>)>, Error> {
        if self.at == self.bytes.len() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let field = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => {
                self.take(8)?;
                Field::Fixed64
            }
            2 => {
                let length = self.varint()?;
                Field::Bytes(self.take(length)?)
            }
            5 => Field::Fixed32(u32::from_le_bytes(self.array()?)),
            other => return Err(Error::Broken(format!("a field has the unknown wire type {other}"))),
        };
        if tag >> 3 == 0 {
            return Err(Error::Broken("a field has the number 0".to_owned()));
        }
        Ok(Some((tag >> 3, field)))
    }

    fn varint(&mut self) -> Result<u64, Error> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.bytes.get(self.at).ok_or_else(ends_early)?;
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Error::Broken("a number goes on for more than ten bytes".to_owned()))
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Error> {
        let left = &self.bytes[self.at..];
        let length = usize::try_from(length).ok().filter(|length| *length <= left.len()).ok_or_else(ends_early)?;
        self.at += length;
        Ok(&left[..length])
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N as u64)?);
        Ok(array)
    }
}

fn ends_early() -> Error {
    Error::Broken("it ends in the middle of a field".to_owned())
}

impl<'a> Field<'a> {
    pub(super) fn bytes(self) -> Result<&'a [u8], Error> {
        match self {
            Field::Bytes(bytes) => Ok(bytes),
            Field::Varint(_) | Field::Fixed64 | Field::Fixed32(_) => {
                Err(Error::Broken("a number stands where a message should".to_owned()))
            }
        }
    }

    pub(super) fn text(self) -> Result<&'a str, Error> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Error::Broken("a name is not UTF-8".to_owned()))
    }

    /// A whole number; those below zero are sent as their two's complement.
    pub(super) fn int(self) -> Result<i64, Error> {
        match self {
            Field::Varint(value) => Ok(value.cast_signed()),
            Field::Fixed64 | Field::Bytes(_) | Field::Fixed32(_) => Err(Error::Broken("a whole number is missing".to_owned())),
        }
    }

    pub(super) fn float(self) -> Result<f32, Error> {
        match self {
            Field::Fixed32(bits) => Ok(f32::from_bits(bits)),
            Field::Varint(_) | Field::Fixed64 | Field::Bytes(_) => Err(Error::Broken("a float is missing".to_owned())),
        }
    }

    /// Whole numbers one by one or packed; `each` may refuse to take more.
    pub(super) fn ints(self, each: &mut dyn FnMut(i64) -> Result<(), Error>) -> Result<(), Error> {
        let Field::Bytes(packed) = self else { return each(self.int()?) };
        let mut numbers = Fields::new(packed);
        while numbers.at < packed.len() {
            each(numbers.varint()?.cast_signed())?;
        }
        Ok(())
    }

    /// Floats one by one or packed.
    pub(super) fn floats(self, each: &mut dyn FnMut(f32) -> Result<(), Error>) -> Result<(), Error> {
        let Field::Bytes(packed) = self else { return each(self.float()?) };
        let mut numbers = Fields::new(packed);
        while numbers.at < packed.len() {
            each(f32::from_le_bytes(numbers.array()?))?;
        }
        Ok(())
    }
}
