//! What a row of tokens is worth, if that can be read off it.

use super::tokens::{Kind, Token};

/// The value of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    True,
    False,
    None,
    /// A list, tuple or set of strings.
    Texts(Vec<String>),
    /// Only Python knows.
    Computed,
}

/// Reads an expression.
pub(crate) fn value(tokens: &[Token]) -> Value {
    match tokens {
        [] => Value::Computed,
        [only] if only.is("True") => Value::True,
        [only] if only.is("False") => Value::False,
        [only] if only.is("None") => Value::None,
        all if all.iter().all(|token| token.kind == Kind::Text) => {
            Value::Text(all.iter().map(|token| token.text.as_str()).collect())
        }
        [open, within @ .., close] if open.is("(") && close.is(")") => match texts(within) {
            Some(_) if comma_parts(within).len() < 2 && !within.iter().any(|it| it.is(",")) => {
                value_within(within)
            }
            Some(texts) => Value::Texts(texts),
            None => Value::Computed,
        },
        [open, within @ .., close] if (open.is("[") && close.is("]")) || (open.is("{") && close.is("}")) => {
            texts(within).map_or(Value::Computed, Value::Texts)
        }
        _ => Value::Computed,
    }
}

/// What stands in brackets alone.
fn value_within(tokens: &[Token]) -> Value {
    match texts(tokens) {
        Some(texts) if texts.is_empty() => Value::Texts(texts),
        Some(texts) => Value::Text(texts.concat()),
        None => Value::Computed,
    }
}

fn texts(tokens: &[Token]) -> Option<Vec<String>> {
    let text = |part: &[Token]| match part.iter().all(|token| token.kind == Kind::Text) {
        true => Some(part.iter().map(|token| token.text.as_str()).collect()),
        false => None,
    };
    comma_parts(tokens).into_iter().map(text).collect()
}

/// The parts between the commas that stand in no bracket; an empty last one does not count.
pub(crate) fn comma_parts(tokens: &[Token]) -> Vec<&[Token]> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    for (at, token) in tokens.iter().enumerate().filter(|(_, token)| token.kind == Kind::Sign) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            "," if depth == 0 => {
                parts.push(&tokens[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if start < tokens.len() {
        parts.push(&tokens[start..]);
    }
    parts
}
