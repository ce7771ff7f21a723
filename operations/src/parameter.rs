//! Parameters: plain numbers for people, fixed point inside, with bounds that are declared once.
//! A struct states its bounds as constants, which its schema and its check both use.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;

/// A number in millionths. It is read from a plain number (`1.5`), rounded half to even, and written as one.
///
/// Numbers beyond the range of an `i64` become its ends, which no parameter's bounds include.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millionths(pub i64);

impl Millionths {
    /// The whole number `value`.
    pub const fn whole(value: i64) -> Millionths {
        Millionths(value * 1_000_000)
    }

    /// The nearest number of millionths. Not a number becomes 0.
    pub fn nearest(value: f64) -> Millionths {
        Millionths((value * 1e6).round_ties_even() as i64)
    }

    /// The nearest `f64`, which is what its decimal digits parse to.
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl fmt::Display for Millionths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_f64().fmt(f)
    }
}

impl Serialize for Millionths {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 % 1_000_000 == 0 {
            serializer.serialize_i64(self.0 / 1_000_000)
        } else {
            serializer.serialize_f64(self.to_f64())
        }
    }
}

impl<'de> Deserialize<'de> for Millionths {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Millionths, D::Error> {
        deserializer.deserialize_f64(Number)
    }
}

impl JsonSchema for Millionths {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Millionths".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number" })
    }
}

/// Takes any number that a format may hand over.
struct Number;

impl Visitor<'_> for Number {
    type Value = Millionths;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Millionths, E> {
        if value.is_nan() {
            return Err(E::invalid_value(Unexpected::Float(value), &self));
        }
        Ok(Millionths::nearest(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Millionths, E> {
        Ok(Millionths(value.saturating_mul(1_000_000)))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Millionths, E> {
        self.visit_i64(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

/// Makes the schema of an enum of names a plain list: Kubernetes takes no choice of constants with descriptions.
pub(crate) fn list_names(schema: &mut Schema) {
    if let Some(Value::Array(choices)) = schema.remove("oneOf") {
        schema.insert("type".to_owned(), "string".into());
        schema.insert("enum".to_owned(), choices.iter().map(|choice| choice["const"].clone()).collect());
    }
}

/// Declares an enum that is a whole number in an ImageJob, one of a few: `Name { Variant = number, ... }`.
macro_rules! number_choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $number:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(try_from = "u32", into = "u32")]
        #[schemars(with = "u32", inline, extend("enum" = [$($number),*]))]
        pub enum $name {
            $($(#[$variant_doc])* $variant = $number,)*
        }

        impl TryFrom<u32> for $name {
            type Error = String;

            fn try_from(number: u32) -> Result<$name, String> {
                match number {
                    $($number => Ok($name::$variant),)*
                    other => Err(format!("{other} is none of {:?}", [$($number),*])),
                }
            }
        }

        impl From<$name> for u32 {
            fn from(choice: $name) -> u32 {
                choice as u32
            }
        }
    };
}
pub(crate) use number_choice;

/// The range of a parameter, both ends included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// The smallest value allowed.
    pub min: f64,
    /// The largest value allowed.
    pub max: f64,
}

impl Bounds {
    /// `min` to `max`, both included.
    pub const fn new(min: f64, max: f64) -> Bounds {
        Bounds { min, max }
    }

    /// Checks the value of the parameter called `name` in an ImageJob.
    ///
    /// # Errors
    /// The value is out of the bounds.
    pub fn check(self, name: &'static str, value: Millionths) -> Result<(), OutOfBounds> {
        if (Millionths::nearest(self.min)..=Millionths::nearest(self.max)).contains(&value) {
            Ok(())
        } else {
            let fault = format!("must be from {} to {}, not {value}", self.min, self.max);
            Err(OutOfBounds { parameter: name, fault })
        }
    }

    /// Checks a whole number, as [`Bounds::check`] does.
    ///
    /// # Errors
    /// The value is out of the bounds.
    pub fn check_whole(self, name: &'static str, value: u32) -> Result<(), OutOfBounds> {
        self.check(name, Millionths::whole(value.into()))
    }
}

/// A parameter out of its bounds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{parameter} {fault}")]
pub struct OutOfBounds {
    /// The parameter's name in an ImageJob.
    pub parameter: &'static str,
    /// What it must be, and what it is.
    pub fault: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Millionths {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn numbers_are_rounded_to_millionths() {
        assert_eq!(read("1.5"), Millionths(1_500_000));
        assert_eq!(read("-0.0000014"), Millionths(-1));
        assert_eq!(read("3"), Millionths::whole(3));
        assert_eq!(read("-3"), Millionths::whole(-3));
        assert_eq!(read("1e300"), Millionths(i64::MAX));
    }

    #[test]
    fn numbers_are_written_as_people_type_them() {
        for text in ["1.5", "0", "-1", "0.1", "99.999999"] {
            assert_eq!(serde_json::to_string(&read(text)).unwrap(), text);
        }
    }

    #[test]
    fn what_is_not_a_number_is_refused() {
        for text in ["\"1.5\"", "null", "true"] {
            assert!(serde_json::from_str::<Millionths>(text).is_err(), "{text}");
        }
        assert!(Number.visit_f64::<serde_json::Error>(f64::NAN).is_err());
    }

    #[test]
    fn both_ends_of_the_bounds_are_allowed_and_the_message_names_them() {
        let bounds = Bounds::new(0.1, 100.0);
        assert_eq!(bounds.check("sigma", read("0.1")), Ok(()));
        assert_eq!(bounds.check("sigma", read("100")), Ok(()));
        let error = bounds.check("sigma", read("0.05")).unwrap_err();
        assert_eq!(error.to_string(), "sigma must be from 0.1 to 100, not 0.05");
        assert!(bounds.check("sigma", Millionths(i64::MAX)).is_err());
    }
}
