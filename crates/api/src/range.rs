//! `Range` headers: sorting and paging of lists.
//!
//! Clients write them in many ways, so reading is lenient: `version ..; max=15, order=desc`, `id ..; ;`, `id
//! ]x..y[; max=10`, or nothing at all.

use std::cmp::Ordering;

use serde::Serialize;
use serde_json::Value;

use crate::error::Problem;
use crate::reply::Reply;

/// Items of a list when the client does not say.
const PAGE_DEFAULT: usize = 200;
/// Most items of one answer.
const PAGE_MAX: usize = 1_000;

/// What a client wants of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Range {
    field: String,
    from: Option<Bound>,
    to: Option<Bound>,
    max: usize,
    descending: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Bound {
    value: String,
    /// The value itself is left out (`]x..`, `..x[`).
    open: bool,
}

impl Range {
    /// Reads a header; an empty one asks for nothing.
    pub(crate) fn parse(text: &str) -> Result<Option<Self>, Problem> {
        let (bounds, options) = text.split_once(';').unwrap_or((text, ""));
        let bounds = bounds.trim();
        if bounds.is_empty() {
            return Ok(None);
        }
        let (field, bounds) = bounds.split_once(char::is_whitespace).unwrap_or((bounds, ".."));
        let (from, to) = bounds.trim().split_once("..").ok_or(Problem::BadRange)?;
        let mut range = Self {
            field: field.to_owned(),
            from: bound(from.trim(), from.trim().strip_prefix(']')),
            to: bound(to.trim(), to.trim().strip_suffix('[')),
            max: PAGE_DEFAULT,
            descending: false,
        };
        for option in options.split([';', ',']).map(str::trim).filter(|option| !option.is_empty()) {
            match option.split_once('=').ok_or(Problem::BadRange)? {
                ("max", count) => {
                    let count: usize = count.trim().parse().map_err(|_| Problem::BadRange)?;
                    range.max = count.clamp(1, PAGE_MAX);
                }
                ("order", order) => range.descending = order.trim() == "desc",
                _ => return Err(Problem::BadRange),
            }
        }
        Ok(Some(range))
    }
}

fn bound(text: &str, stripped: Option<&str>) -> Option<Bound> {
    let value = stripped.unwrap_or(text);
    (!value.is_empty()).then(|| Bound { value: value.to_owned(), open: stripped.is_some() })
}

/// A list's answer. `fields` can be sorted by and hold a different value in each item; the first is its own order.
/// A range over another field only says how many and in which direction.
pub(crate) fn list<T: Serialize>(
    items: Vec<T>,
    fields: &'static [&'static str],
    asked: Option<&str>,
) -> Result<Reply, Problem> {
    let asked = Range::parse(asked.unwrap_or_default())?;
    if asked.is_none() && items.len() <= PAGE_DEFAULT {
        return Ok(Reply::ok(&items).ranged(fields, None, None));
    }
    let mut range = asked.unwrap_or_else(|| Range {
        field: fields[0].to_owned(),
        from: None,
        to: None,
        max: PAGE_DEFAULT,
        descending: false,
    });
    if !fields.contains(&range.field.as_str()) {
        range = Range { field: fields[0].to_owned(), from: None, to: None, ..range };
    }
    let items = items
        .into_iter()
        .map(|item| serde_json::to_value(item).map_err(Problem::internal))
        .collect::<Result<Vec<_>, _>>()?;
    let (page, next) = cut(items, &range);
    let content = match (page.first(), page.last()) {
        (Some(first), Some(last)) => {
            Some(format!("{} {}..{}", range.field, shown(first, &range.field), shown(last, &range.field)))
        }
        _ => None,
    };
    Ok(Reply::ok(&page).ranged(fields, content, next))
}

/// Like [`list`], for things with a number that is not shown, by which they are sorted. `name` is what clients call it.
pub(crate) fn list_numbered<T: Serialize>(
    items: Vec<(u64, T)>,
    name: &'static str,
    asked: Option<&str>,
) -> Result<Reply, Problem> {
    let asked = Range::parse(asked.unwrap_or_default())?;
    let mut range = asked.unwrap_or_else(|| Range {
        field: name.to_owned(),
        from: None,
        to: None,
        max: PAGE_DEFAULT,
        descending: false,
    });
    if range.field != name {
        range = Range { field: name.to_owned(), from: None, to: None, ..range };
    }
    let numbered = items.into_iter().map(|(number, item)| {
        let mut item = serde_json::to_value(item).map_err(Problem::internal)?;
        item[name] = number.into();
        Ok(item)
    });
    let (mut page, next) = cut(numbered.collect::<Result<_, Problem>>()?, &range);
    page.iter_mut().filter_map(Value::as_object_mut).for_each(|item| drop(item.remove(name)));
    Ok(Reply::ok(&page).ranged(&[name], None, next))
}

/// The items of one page, and the `Range` of the next.
fn cut(mut items: Vec<Value>, range: &Range) -> (Vec<Value>, Option<String>) {
    let field = range.field.as_str();
    items.sort_by(|one, other| compare(&one[field], &other[field]));
    if range.descending {
        items.reverse();
    }
    let past = if range.descending { Ordering::Greater } else { Ordering::Less };
    items.retain(|item| {
        let after_from = range.from.as_ref().is_none_or(|from| {
            let order = compare_text(&item[field], &from.value);
            order != past && !(from.open && order == Ordering::Equal)
        });
        let before_to = range.to.as_ref().is_none_or(|to| {
            let order = compare_text(&item[field], &to.value);
            order != past.reverse() && !(to.open && order == Ordering::Equal)
        });
        after_from && before_to
    });
    if items.len() <= range.max {
        return (items, None);
    }
    items.truncate(range.max);
    let next = items.last().map(|last| {
        let to = range
            .to
            .as_ref()
            .map_or_else(String::new, |to| format!("{}{}", to.value, if to.open { "[" } else { "" }));
        let order = if range.descending { ", order=desc" } else { "" };
        format!("{field} ]{}..{to}; max={}{order}", shown(last, field), range.max)
    });
    (items, next)
}

fn compare(one: &Value, other: &Value) -> Ordering {
    match (one.as_u64(), other.as_u64()) {
        (Some(one), Some(other)) => one.cmp(&other),
        _ => one.as_str().cmp(&other.as_str()),
    }
}

fn compare_text(value: &Value, text: &str) -> Ordering {
    match (value.as_u64(), text.parse::<u64>()) {
        (Some(value), Ok(number)) => value.cmp(&number),
        _ => value.as_str().unwrap_or_default().cmp(text),
    }
}

fn shown(item: &Value, field: &str) -> String {
    match &item[field] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
