//! The types of elements that an ONNX file can name, by their numbers.

use std::fmt;

use super::Dtype;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// One that we build and read.
    Known(Dtype),
    /// Complex numbers, brain floats, eight and four bits: runtimes know them, we do not bind them.
    Foreign(u8),
}

const KNOWN: &[(i64, Dtype)] = &[
    (1, Dtype::F32),
    (2, Dtype::U8),
    (3, Dtype::I8),
    (4, Dtype::U16),
    (5, Dtype::I16),
    (6, Dtype::I32),
    (7, Dtype::I64),
    (8, Dtype::Text),
    (9, Dtype::Bool),
    (10, Dtype::F16),
    (11, Dtype::F64),
    (12, Dtype::U32),
    (13, Dtype::U64),
];
const FOREIGN: &[(u8, &str, usize)] = &[
    (14, "complex64", 64),
    (15, "complex128", 128),
    (16, "bfloat16", 16),
    (17, "float8e4m3fn", 8),
    (18, "float8e4m3fnuz", 8),
    (19, "float8e5m2", 8),
    (20, "float8e5m2fnuz", 8),
    (21, "uint4", 4),
    (22, "int4", 4),
    (23, "float4e2m1", 4),
    (24, "float8e8m0", 8),
    (25, "uint2", 2),
    (26, "int2", 2),
];

impl Element {
    pub fn from_number(number: i64) -> Option<Element> {
        let known = KNOWN.iter().find(|(own, _)| *own == number).map(|(_, dtype)| Element::Known(*dtype));
        known.or_else(|| FOREIGN.iter().find(|(own, ..)| i64::from(*own) == number).map(|(own, ..)| Element::Foreign(*own)))
    }

    /// Bits of one element; `None` for texts, which have their own lengths.
    pub fn bits(self) -> Option<usize> {
        match self {
            Element::Known(dtype) => match dtype {
                Dtype::Bool | Dtype::I8 | Dtype::U8 => Some(8),
                Dtype::I16 | Dtype::U16 | Dtype::F16 => Some(16),
                Dtype::I32 | Dtype::U32 | Dtype::F32 => Some(32),
                Dtype::I64 | Dtype::U64 | Dtype::F64 => Some(64),
                Dtype::Text => None,
            },
            Element::Foreign(number) => FOREIGN.iter().find(|(own, ..)| *own == number).map(|(_, _, bits)| *bits),
        }
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Element::Known(dtype) => dtype.fmt(f),
            Element::Foreign(number) => {
                f.write_str(FOREIGN.iter().find(|(own, ..)| own == number).map_or("of an unknown type", |(_, name, _)| name))
            }
        }
    }
}
