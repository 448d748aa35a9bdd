//! Arrays of numbers and texts with their shape: what goes into a model and comes out of it, whatever runs it.
//!
//! Dimension 0 is the batch. Rows are joined and split along it here, so that no backend has to know what a row is.

use half::f16;
use sha2::{Digest, Sha256};

/// Elements of one tensor, all rows together.
pub const TENSOR_ELEMENTS_MAX: usize = 16 << 20;

/// The types of elements that we build and read. A graph may name others; those inputs and outputs cannot be bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dtype {
    Bool,
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    F16,
    F32,
    F64,
    Text,
}

/// Elements in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    Bool(Vec<bool>),
    I8(Vec<i8>),
    U8(Vec<u8>),
    I16(Vec<i16>),
    U16(Vec<u16>),
    I32(Vec<i32>),
    U32(Vec<u32>),
    I64(Vec<i64>),
    U64(Vec<u64>),
    F16(Vec<f16>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    Text(Vec<String>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    dims: Vec<usize>,
    data: Data,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("{elements} elements do not fill the shape {dims:?}")]
    Shape { dims: Vec<usize>, elements: usize },
    #[error("a tensor has at most {TENSOR_ELEMENTS_MAX} elements, not {dims:?}")]
    TooLarge { dims: Vec<usize> },
    #[error("rows of {first} and {other} cannot be one batch")]
    Unlike { first: String, other: String },
    #[error("nothing to make a batch of")]
    Empty,
}

impl Dtype {
    pub const ALL: [Dtype; 13] = [
        Dtype::Bool,
        Dtype::I8,
        Dtype::U8,
        Dtype::I16,
        Dtype::U16,
        Dtype::I32,
        Dtype::U32,
        Dtype::I64,
        Dtype::U64,
        Dtype::F16,
        Dtype::F32,
        Dtype::F64,
        Dtype::Text,
    ];

    /// As a manifest writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Dtype::Bool => "bool",
            Dtype::I8 => "i8",
            Dtype::U8 => "u8",
            Dtype::I16 => "i16",
            Dtype::U16 => "u16",
            Dtype::I32 => "i32",
            Dtype::U32 => "u32",
            Dtype::I64 => "i64",
            Dtype::U64 => "u64",
            Dtype::F16 => "f16",
            Dtype::F32 => "f32",
            Dtype::F64 => "f64",
            Dtype::Text => "string",
        }
    }

    pub fn is_whole(self) -> bool {
        match self {
            Dtype::I8 | Dtype::U8 | Dtype::I16 | Dtype::U16 | Dtype::I32 | Dtype::U32 | Dtype::I64 | Dtype::U64 => true,
            Dtype::Bool | Dtype::F16 | Dtype::F32 | Dtype::F64 | Dtype::Text => false,
        }
    }

    /// Also by the names that other tools have for it: `float32`, `int64`, `double`.
    pub fn parse(text: &str) -> Option<Dtype> {
        if let Some(dtype) = Dtype::ALL.into_iter().find(|dtype| dtype.as_str() == text) {
            return Some(dtype);
        }
        let bits = |prefix: &str| text.strip_prefix(prefix).and_then(|bits| bits.parse::<u8>().ok());
        match (text, bits("float"), bits("int"), bits("uint")) {
            ("float", ..) | (_, Some(32), ..) => Some(Dtype::F32),
            ("double", ..) | (_, Some(64), ..) => Some(Dtype::F64),
            ("half", ..) | (_, Some(16), ..) => Some(Dtype::F16),
            (_, _, Some(bits), _) => Dtype::parse(&format!("i{bits}")),
            (_, _, _, Some(bits)) => Dtype::parse(&format!("u{bits}")),
            ("text", ..) => Some(Dtype::Text),
            _ => None,
        }
    }
}

impl std::fmt::Display for Dtype {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The same code for the elements of every type.
macro_rules! each {
    ($data:expr, $elements:ident => $code:expr) => {
        match $data {
            Data::Bool($elements) => $code,
            Data::I8($elements) => $code,
            Data::U8($elements) => $code,
            Data::I16($elements) => $code,
            Data::U16($elements) => $code,
            Data::I32($elements) => $code,
            Data::U32($elements) => $code,
            Data::I64($elements) => $code,
            Data::U64($elements) => $code,
            Data::F16($elements) => $code,
            Data::F32($elements) => $code,
            Data::F64($elements) => $code,
            Data::Text($elements) => $code,
        }
    };
}

/// The same code for the elements of every type, where the result is of that type again.
macro_rules! same_type {
    ($data:expr, $elements:ident => $code:expr) => {
        match $data {
            Data::Bool($elements) => Data::Bool($code),
            Data::I8($elements) => Data::I8($code),
            Data::U8($elements) => Data::U8($code),
            Data::I16($elements) => Data::I16($code),
            Data::U16($elements) => Data::U16($code),
            Data::I32($elements) => Data::I32($code),
            Data::U32($elements) => Data::U32($code),
            Data::I64($elements) => Data::I64($code),
            Data::U64($elements) => Data::U64($code),
            Data::F16($elements) => Data::F16($code),
            Data::F32($elements) => Data::F32($code),
            Data::F64($elements) => Data::F64($code),
            Data::Text($elements) => Data::Text($code),
        }
    };
}

impl Data {
    pub fn dtype(&self) -> Dtype {
        match self {
            Data::Bool(_) => Dtype::Bool,
            Data::I8(_) => Dtype::I8,
            Data::U8(_) => Dtype::U8,
            Data::I16(_) => Dtype::I16,
            Data::U16(_) => Dtype::U16,
            Data::I32(_) => Dtype::I32,
            Data::U32(_) => Dtype::U32,
            Data::I64(_) => Dtype::I64,
            Data::U64(_) => Dtype::U64,
            Data::F16(_) => Dtype::F16,
            Data::F32(_) => Dtype::F32,
            Data::F64(_) => Dtype::F64,
            Data::Text(_) => Dtype::Text,
        }
    }

    pub fn len(&self) -> usize {
        each!(self, elements => elements.len())
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn slice(&self, start: usize, length: usize) -> Data {
        same_type!(self, elements => elements[start..start + length].to_vec())
    }

    /// Behind the own elements; nothing if the types differ.
    fn append(&mut self, other: &Data) {
        match (self, other) {
            (Data::Bool(own), Data::Bool(more)) => own.extend_from_slice(more),
            (Data::I8(own), Data::I8(more)) => own.extend_from_slice(more),
            (Data::U8(own), Data::U8(more)) => own.extend_from_slice(more),
            (Data::I16(own), Data::I16(more)) => own.extend_from_slice(more),
            (Data::U16(own), Data::U16(more)) => own.extend_from_slice(more),
            (Data::I32(own), Data::I32(more)) => own.extend_from_slice(more),
            (Data::U32(own), Data::U32(more)) => own.extend_from_slice(more),
            (Data::I64(own), Data::I64(more)) => own.extend_from_slice(more),
            (Data::U64(own), Data::U64(more)) => own.extend_from_slice(more),
            (Data::F16(own), Data::F16(more)) => own.extend_from_slice(more),
            (Data::F32(own), Data::F32(more)) => own.extend_from_slice(more),
            (Data::F64(own), Data::F64(more)) => own.extend_from_slice(more),
            (Data::Text(own), Data::Text(more)) => own.extend_from_slice(more),
            _ => {}
        }
    }

    fn hash(&self, into: &mut Sha256) {
        match self {
            Data::Bool(elements) => elements.iter().for_each(|element| into.update([u8::from(*element)])),
            Data::I8(elements) => elements.iter().for_each(|element| into.update(element.to_le_bytes())),
            Data::U8(elements) => into.update(elements),
            Data::I16(elements) => elements.iter().for_each(|element| into.update(element.to_le_bytes())),
            Data::U16(elements) => elements.iter().for_each(|element| into.update(element.to_le_bytes())),
            Data::I32(elements) => elements.iter().for_each(|element| into.update(element.to_le_bytes())),
            Data::U32(elements) => elements.iter().for_each(|element| into.update(element.to_le_bytes())),
            Data::I64(elements) => elements.iter().for_each(|element| into.update(element.to_le_bytes())),
            Data::U64(elements) => elements.iter().for_each(|element| into.update(element.to_le_bytes())),
            Data::F16(elements) => elements.iter().for_each(|element| into.update(element.to_le_bytes())),
            Data::F32(elements) => elements.iter().for_each(|element| into.update(element.to_le_bytes())),
            Data::F64(elements) => elements.iter().for_each(|element| into.update(element.to_le_bytes())),
            Data::Text(elements) => elements.iter().for_each(|element| {
                // With its length, so that no two lists of texts look alike.
                into.update((element.len() as u64).to_le_bytes());
                into.update(element);
            }),
        }
    }

    /// Numbers as elements of a type: cut to whole ones where they must be, saturating. `None` for texts.
    pub fn from_numbers(dtype: Dtype, numbers: &[f64]) -> Option<Data> {
        Some(match dtype {
            Dtype::Bool => Data::Bool(numbers.iter().map(|number| *number != 0.0).collect()),
            Dtype::I8 => Data::I8(numbers.iter().map(|number| *number as i8).collect()),
            Dtype::U8 => Data::U8(numbers.iter().map(|number| *number as u8).collect()),
            Dtype::I16 => Data::I16(numbers.iter().map(|number| *number as i16).collect()),
            Dtype::U16 => Data::U16(numbers.iter().map(|number| *number as u16).collect()),
            Dtype::I32 => Data::I32(numbers.iter().map(|number| *number as i32).collect()),
            Dtype::U32 => Data::U32(numbers.iter().map(|number| *number as u32).collect()),
            Dtype::I64 => Data::I64(numbers.iter().map(|number| *number as i64).collect()),
            Dtype::U64 => Data::U64(numbers.iter().map(|number| *number as u64).collect()),
            Dtype::F16 => Data::F16(numbers.iter().map(|number| f16::from_f64(*number)).collect()),
            Dtype::F32 => Data::F32(numbers.iter().map(|number| *number as f32).collect()),
            Dtype::F64 => Data::F64(numbers.to_vec()),
            Dtype::Text => return None,
        })
    }

    /// One element as a double, for checks, clamps and comparison. `None` for a text.
    pub fn number(&self, at: usize) -> Option<f64> {
        match self {
            Data::Bool(elements) => elements.get(at).map(|element| f64::from(u8::from(*element))),
            Data::I8(elements) => elements.get(at).map(|element| f64::from(*element)),
            Data::U8(elements) => elements.get(at).map(|element| f64::from(*element)),
            Data::I16(elements) => elements.get(at).map(|element| f64::from(*element)),
            Data::U16(elements) => elements.get(at).map(|element| f64::from(*element)),
            Data::I32(elements) => elements.get(at).map(|element| f64::from(*element)),
            Data::U32(elements) => elements.get(at).map(|element| f64::from(*element)),
            Data::I64(elements) => elements.get(at).map(|element| *element as f64),
            Data::U64(elements) => elements.get(at).map(|element| *element as f64),
            Data::F16(elements) => elements.get(at).map(|element| f64::from(*element)),
            Data::F32(elements) => elements.get(at).map(|element| f64::from(*element)),
            Data::F64(elements) => elements.get(at).copied(),
            Data::Text(_) => None,
        }
    }
}

impl Tensor {
    pub fn new(dims: Vec<usize>, data: Data) -> Result<Tensor, Error> {
        match count(&dims) {
            None => Err(Error::TooLarge { dims }),
            Some(elements) if elements == data.len() => Ok(Tensor { dims, data }),
            Some(_) => Err(Error::Shape { dims, elements: data.len() }),
        }
    }

    pub fn dims(&self) -> &[usize] {
        &self.dims
    }

    pub fn data(&self) -> &Data {
        &self.data
    }

    pub fn dtype(&self) -> Dtype {
        self.data.dtype()
    }

    /// How many rows it holds; a scalar holds none.
    pub fn rows(&self) -> usize {
        self.dims.first().copied().unwrap_or(0)
    }

    /// `f32 [2, 5]`, for messages.
    pub fn describe(&self) -> String {
        format!("{} {:?}", self.dtype(), self.dims)
    }

    /// Whether rows of both may stand in one batch.
    pub fn is_like(&self, other: &Tensor) -> bool {
        self.dtype() == other.dtype() && self.dims.get(1..) == other.dims.get(1..)
    }

    /// Rows of several tensors as one, in their order.
    pub fn stack<'t>(parts: impl IntoIterator<Item = &'t Tensor>) -> Result<Tensor, Error> {
        let mut parts = parts.into_iter();
        let mut all = parts.next().ok_or(Error::Empty)?.clone();
        for part in parts {
            if !all.is_like(part) || all.dims.is_empty() {
                return Err(Error::Unlike { first: all.describe(), other: part.describe() });
            }
            all.dims[0] += part.dims[0];
            if count(&all.dims).is_none() {
                return Err(Error::TooLarge { dims: all.dims });
            }
            all.data.append(&part.data);
        }
        Ok(all)
    }

    /// Rows as a tensor of their own. Asking for more than there are gives those there are.
    #[must_use]
    pub fn slice(&self, first: usize, rows: usize) -> Tensor {
        let first = first.min(self.rows());
        let rows = rows.min(self.rows() - first);
        let width = self.width();
        let mut dims = self.dims.clone();
        if let Some(batch) = dims.first_mut() {
            *batch = rows;
        }
        Tensor { dims, data: self.data.slice(first * width, rows * width) }
    }

    /// The same with the last row repeated until there are so many.
    #[must_use]
    pub fn padded(&self, rows: usize) -> Tensor {
        let mut padded = self.clone();
        if self.rows() > 0 && rows > self.rows() {
            let last = self.slice(self.rows() - 1, 1);
            for _ in self.rows()..rows {
                padded.data.append(&last.data);
            }
            padded.dims[0] = rows;
        }
        padded
    }

    /// The same numbers as another type, saturating; `None` to or from texts.
    pub fn cast(&self, to: Dtype) -> Option<Tensor> {
        if to == self.dtype() {
            return Some(self.clone());
        }
        // Whole numbers above 2^53 lose digits on the way, as they do to any float.
        let numbers: Vec<f64> = (0..self.data.len()).map(|at| self.data.number(at)).collect::<Option<_>>()?;
        Some(Tensor { dims: self.dims.clone(), data: Data::from_numbers(to, &numbers)? })
    }

    /// Elements of one row.
    pub fn width(&self) -> usize {
        self.dims.get(1..).map_or(1, |dims| dims.iter().product())
    }

    /// Shape, type and every bit of the elements.
    pub fn hash_into(&self, into: &mut Sha256) {
        into.update(self.dtype().as_str());
        into.update((self.dims.len() as u64).to_le_bytes());
        for dim in &self.dims {
            into.update((*dim as u64).to_le_bytes());
        }
        self.data.hash(into);
    }
}

/// The elements of a shape, if they are within the bound.
pub fn count(dims: &[usize]) -> Option<usize> {
    let count = dims.iter().try_fold(1_usize, |product, dim| product.checked_mul(*dim))?;
    (count <= TENSOR_ELEMENTS_MAX).then_some(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(dims: &[usize], elements: &[f32]) -> Tensor {
        Tensor::new(dims.to_vec(), Data::F32(elements.to_vec())).expect("a tensor")
    }

    #[test]
    fn rows_are_joined_and_split() {
        let (a, b) = (tensor(&[1, 2], &[1.0, 2.0]), tensor(&[2, 2], &[3.0, 4.0, 5.0, 6.0]));
        let all = Tensor::stack([&a, &b]).expect("alike");
        assert_eq!(all, tensor(&[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
        assert_eq!((all.slice(0, 1), all.slice(1, 2)), (a.clone(), b));
        assert_eq!(all.slice(2, 9), tensor(&[1, 2], &[5.0, 6.0]));
        assert_eq!(a.padded(3), tensor(&[3, 2], &[1.0, 2.0, 1.0, 2.0, 1.0, 2.0]));
        let other = tensor(&[1, 3], &[0.0; 3]);
        assert_eq!(Tensor::stack([&a, &other]).unwrap_err().to_string(), "rows of f32 [1, 2] and f32 [1, 3] cannot be one batch");
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        let refused = |dims: &[usize]| Tensor::new(dims.to_vec(), Data::F32(vec![0.0])).unwrap_err().to_string();
        assert_eq!(refused(&[2]), "1 elements do not fill the shape [2]");
        assert!(refused(&[usize::MAX, 2]).starts_with("a tensor has at most"));
        assert!(refused(&[TENSOR_ELEMENTS_MAX + 1]).starts_with("a tensor has at most"));
    }

    #[test]
    fn the_hash_sees_shape_type_and_bits() {
        let hash = |tensor: &Tensor| {
            let mut hash = Sha256::new();
            tensor.hash_into(&mut hash);
            hash.finalize()
        };
        let text = |parts: &[&str]| {
            Tensor::new(vec![parts.len()], Data::Text(parts.iter().map(|part| (*part).to_owned()).collect())).expect("texts")
        };
        let base = tensor(&[1, 2], &[0.0, 1.0]);
        assert_eq!(hash(&base), hash(&base.clone()));
        for other in [tensor(&[2, 1], &[0.0, 1.0]), tensor(&[1, 2], &[-0.0, 1.0])] {
            assert_ne!(hash(&base), hash(&other), "{other:?}");
        }
        assert_ne!(hash(&text(&["a", "bc"])), hash(&text(&["ab", "c"])));
    }

    #[test]
    fn types_have_the_names_that_people_use() {
        for (text, dtype) in
            [("f32", Dtype::F32), ("float", Dtype::F32), ("float64", Dtype::F64), ("int64", Dtype::I64), ("uint8", Dtype::U8)]
        {
            assert_eq!(Dtype::parse(text), Some(dtype), "{text}");
        }
        for text in ["", "int", "i65", "int7", "number"] {
            assert_eq!(Dtype::parse(text), None, "{text}");
        }
    }
}
