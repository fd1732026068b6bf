//! The names in a bucket, in order, in memory: what lists, sizes and limits are answered from.

use std::collections::BTreeMap;
use std::ops::Bound;

/// Most objects in one bucket: each costs some 200 bytes of memory.
pub(crate) const OBJECTS_MAX: usize = 1_000_000;
/// Most entries of one page, as S3's.
pub(crate) const PAGE_MAX: usize = 1000;

/// What lists tell of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Bytes.
    pub(crate) size: u64,
    pub(crate) etag: Box<str>,
    /// Microseconds since the epoch.
    pub(crate) modified: i64,
    /// Whether everybody may read it.
    pub(crate) public: bool,
}

/// All objects of a bucket.
#[derive(Debug, Default)]
pub(crate) struct Index {
    entries: BTreeMap<String, Entry>,
    bytes: u64,
}

/// What a list is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Query<'a> {
    pub(crate) prefix: &'a str,
    /// Names are cut behind the first one of these after the prefix; empty: never.
    pub(crate) delimiter: &'a str,
    /// Only what comes after this; empty: everything.
    pub(crate) after: &'a str,
    pub(crate) max: usize,
}

/// One item of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    Object(String, Entry),
    /// Several names with the same beginning, the delimiter included.
    Prefix(String),
}

/// A part of a list.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) items: Vec<Item>,
    /// Where the next page begins, if there is one: the last item of this one.
    pub(crate) next: Option<String>,
}

impl Index {
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }

    pub(crate) fn insert(&mut self, key: &str, entry: Entry) {
        self.bytes += entry.size;
        let replaced = self.entries.insert(key.to_owned(), entry);
        self.bytes -= replaced.map_or(0, |entry| entry.size);
    }

    pub(crate) fn remove(&mut self, key: &str) {
        let removed = self.entries.remove(key);
        self.bytes -= removed.map_or(0, |entry| entry.size);
    }

    /// Bytes of all objects.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// One page of the names that fit a query, in the order of their bytes.
    pub(crate) fn page(&self, query: &Query<'_>) -> Page {
        let Query { prefix, delimiter, after, max } = *query;
        let mut page = Page::default();
        let mut from = match after {
            // A page that ended with a common prefix goes on behind all names below it.
            after if !delimiter.is_empty() && after.starts_with(prefix) && after.ends_with(delimiter) => {
                behind(after).map_or(Bound::Unbounded, Bound::Included)
            }
            after if after >= prefix && !after.is_empty() => Bound::Excluded(after.to_owned()),
            _ => Bound::Included(prefix.to_owned()),
        };
        loop {
            let mut names = self.entries.range::<str, _>((as_str(&from), Bound::Unbounded));
            let Some((key, entry)) = names.next().filter(|(key, _)| key.starts_with(prefix)) else { break };
            if page.items.len() >= max {
                page.next = page.items.last().map(|item| item.name().to_owned());
                break;
            }
            let cut = if delimiter.is_empty() { None } else { key[prefix.len()..].find(delimiter) };
            match cut {
                None => {
                    page.items.push(Item::Object(key.clone(), entry.clone()));
                    from = Bound::Excluded(key.clone());
                }
                Some(at) => {
                    let common = &key[..prefix.len() + at + delimiter.len()];
                    page.items.push(Item::Prefix(common.to_owned()));
                    match behind(common) {
                        Some(next) => from = Bound::Included(next),
                        None => break,
                    }
                }
            }
        }
        page
    }
}

impl Item {
    /// What it is sorted by.
    pub(crate) fn name(&self) -> &str {
        let (Self::Object(name, _) | Self::Prefix(name)) = self;
        name
    }
}

fn as_str(bound: &Bound<String>) -> Bound<&str> {
    match bound {
        Bound::Included(name) => Bound::Included(name),
        Bound::Excluded(name) => Bound::Excluded(name),
        Bound::Unbounded => Bound::Unbounded,
    }
}

/// The first name that is behind all names with this beginning; none if nothing is.
fn behind(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        // The order of characters is that of their UTF-8.
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests;
