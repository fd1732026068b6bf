//! Errors as people read them.

/// An error with all its causes, in one line: `could not open the store: permission denied`.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::chain;

    #[derive(Debug, thiserror::Error)]
    #[error("could not open {0}")]
    struct Outer(&'static str, #[source] io::Error);

    #[test]
    fn causes_follow_in_their_order() {
        assert_eq!(chain(&io::Error::other("no")), "no");
        assert_eq!(chain(&Outer("it", io::Error::other("no"))), "could not open it: no");
    }
}
