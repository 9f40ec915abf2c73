//! For tests: what a type that is read from CBOR calls its variants and fields, asked of its own decoder.

use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor, value::Error};
use serde::forward_to_deserialize_any;

/// Names of the variants of an enum.
pub(crate) fn variants<T: DeserializeOwned>() -> &'static [&'static str] {
    asked::<T>()
}

/// Names of the fields of a struct.
pub(crate) fn fields<T: DeserializeOwned>() -> &'static [&'static str] {
    asked::<T>()
}

fn asked<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut names: &[&str] = &[];
    assert!(T::deserialize(Asking(&mut names)).is_err());
    assert!(!names.is_empty());
    names
}

/// Notes what it is asked for and answers nothing.
struct Asking<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Asking<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("neither enum nor struct"))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        *self.0 = variants;
        Err(Error::custom("noted"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        Err(Error::custom("noted"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map identifier ignored_any
    }
}
