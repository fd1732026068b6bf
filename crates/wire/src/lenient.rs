//! Shapes that clients send in more than one form.

use serde::{Deserialize, Serialize};

/// A value that is a text in some clients and a number or a switch in others; kept as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Scalar", into = "String")]
pub struct Text(pub String);

#[derive(Deserialize)]
#[serde(untagged)]
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

/// A resource named by a text (its name or id) or by an object with `name` or `id`; kept as the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Naming", into = "String")]
pub struct Named(pub String);

#[derive(Deserialize)]
#[serde(untagged)]
enum Naming {
    Text(String),
    Name { name: String },
    Id { id: String },
}

impl From<Naming> for Named {
    fn from(naming: Naming) -> Self {
        Self(match naming {
            Naming::Text(text) | Naming::Name { name: text } | Naming::Id { id: text } => text,
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
