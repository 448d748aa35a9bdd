//! A value as the journal and checkpoints hold it: its kind, and as few bytes as that needs.

use std::sync::Arc;

use rust_decimal::Decimal;

use crate::reading::{Timestamp, Value};

use super::bytes::{Cursor, put_bytes, put_signed, put_unsigned};
use super::record::Unreadable;

pub(super) fn put_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Bool(false) => out.push(0),
        Value::Bool(true) => out.push(1),
        Value::Int(value) => {
            out.push(2);
            put_signed(*value, out);
        }
        Value::Double(value) => {
            out.push(3);
            out.extend_from_slice(&value.to_bits().to_le_bytes());
        }
        Value::Decimal(value) => {
            out.push(4);
            out.extend_from_slice(&value.serialize());
        }
        Value::Text(value) => {
            out.push(5);
            put_bytes(value.as_bytes(), out);
        }
        Value::Timestamp(value) => {
            out.push(6);
            put_signed(value.0, out);
        }
        Value::Date(value) => {
            out.push(7);
            put_signed(i64::from(*value), out);
        }
        Value::Time(value) => {
            out.push(8);
            put_signed(*value, out);
        }
        Value::Duration(value) => {
            out.push(9);
            put_signed(*value, out);
        }
        Value::Enum(value) => {
            out.push(10);
            put_unsigned(u64::from(*value), out);
        }
        Value::Bytes(value) => {
            out.push(11);
            put_bytes(value, out);
        }
        Value::Json(value) => {
            out.push(12);
            put_bytes(value.to_string().as_bytes(), out);
        }
    }
}

pub(super) fn take_value(cursor: &mut Cursor<'_>) -> Result<Value, Unreadable> {
    Ok(match cursor.byte("the kind of a value")? {
        0 => Value::Bool(false),
        1 => Value::Bool(true),
        2 => Value::Int(cursor.signed("an integer")?),
        3 => Value::Double(f64::from_bits(u64::from_le_bytes(cursor.array("a number")?))),
        4 => Value::Decimal(Decimal::deserialize(cursor.array("a decimal")?)),
        5 => Value::Text(Arc::from(cursor.text("a text")?)),
        6 => Value::Timestamp(Timestamp(cursor.signed("an instant")?)),
        7 => Value::Date(i32::try_from(cursor.signed("a date")?).map_err(|_| Unreadable::Damaged("a date", "out of range".to_owned()))?),
        8 => Value::Time(cursor.signed("a time")?),
        9 => Value::Duration(cursor.signed("a duration")?),
        10 => Value::Enum(cursor.small("an enum value")?),
        11 => Value::Bytes(Arc::from(cursor.bytes("bytes")?)),
        12 => {
            let json = serde_json::from_slice(cursor.bytes("JSON")?).map_err(|error| Unreadable::Damaged("JSON", error.to_string()))?;
            Value::Json(Arc::new(json))
        }
        other => return Err(Unreadable::Unknown { what: "value", found: u64::from(other) }),
    })
}
