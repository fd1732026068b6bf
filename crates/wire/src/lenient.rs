//! Shapes that clients send in more than one form.

use serde::{Deserialize, Serialize};

/// A value that is a text in some clients and a number or a switch in others; kept as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Scalar", into = "String")]
pub struct Text(pub String);

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a text, a number or a boolean")]
enum Scalar {
    Text(String),
    Integer(i64),
    Number(f64),
    Switch(bool),
}

impl From<Scalar> for Text {
    fn from(scalar: Scalar) -> Self {
        Self(match scalar {
            Scalar::Text(text) => text,
            Scalar::Integer(number) => number.to_string(),
            Scalar::Number(number) => number.to_string(),
            Scalar::Switch(on) => on.to_string(),
        })
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.0
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// A switch that some clients send as `0` or `1` (heroku3 does).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "OnOff", into = "bool")]
pub struct Flag(pub bool);

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a boolean")]
enum OnOff {
    Switch(bool),
    Number(u64),
}

impl TryFrom<OnOff> for Flag {
    type Error = String;

    fn try_from(value: OnOff) -> Result<Self, String> {
        match value {
            OnOff::Switch(on) => Ok(Self(on)),
            OnOff::Number(0) => Ok(Self(false)),
            OnOff::Number(1) => Ok(Self(true)),
            OnOff::Number(other) => Err(format!("{other} is neither true nor false")),
        }
    }
}

impl From<Flag> for bool {
    fn from(flag: Flag) -> Self {
        flag.0
    }
}

/// A resource named by a text (its name, id or address) or by an object with `name`, `id` or `email`; kept as the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Naming", into = "String")]
pub struct Named(pub String);

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a name, or an object with `name`, `id` or `email`")]
enum Naming {
    Text(String),
    Name { name: String },
    Id { id: String },
    Email { email: String },
}

impl From<Naming> for Named {
    fn from(naming: Naming) -> Self {
        Self(match naming {
            Naming::Text(text)
            | Naming::Name { name: text }
            | Naming::Id { id: text }
            | Naming::Email { email: text } => text,
        })
    }
}

impl From<Named> for String {
    fn from(named: Named) -> Self {
        named.0
    }
}

impl From<&str> for Named {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

#[cfg(test)]
mod tests;
