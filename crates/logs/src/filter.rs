//! Which lines of an app a reader wants.

use model::log::{Line, Source};

/// What a log session asks for; the default asks for everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Only lines of this source (exact).
    pub source: Option<Source>,
    /// Only lines of this process: its exact name, or what stands before the dot (`web` takes in `web.1`).
    pub process: Option<String>,
}

impl Filter {
    /// Whether a line is wanted.
    #[must_use]
    pub fn matches(&self, line: &Line) -> bool {
        let Self { source, process } = self;
        source.is_none_or(|source| source == line.source)
            && process.as_deref().is_none_or(|wanted| {
                line.process.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
    }
}

#[cfg(test)]
mod tests;
