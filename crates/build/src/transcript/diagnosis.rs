//! What a failed step's own last words mean, and what to do about it. Nothing is guessed: a text that is not known
//! gives no advice.

/// Advice on a failed `manage.py collectstatic`.
pub(super) fn collectstatic(said: &str) -> Option<String> {
    let has = |text: &str| said.contains(text);
    // A dyno would be told where its database is; a build reaches none.
    if has("OperationalError") || has("could not connect to server") || has("Connection refused") {
        return Some(
            "Your code asks for the database (or another service) while Django is being set up. That is not\n\
             reachable during a build: move the query into a function that runs later."
                .to_owned(),
        );
    }
    doctor::diagnosis::diagnose(said, "").map(|diagnosis| diagnosis.lines())
}

/// Advice on packages that could not be installed.
pub(super) fn install(said: &str) -> Option<String> {
    let has = |text: &str| said.contains(text);
    if has("No solution found") || has("No matching distribution found") {
        return Some(
            "There is no such version of a package, or two packages cannot be together. The output above says\n\
             which; correct it in your requirements, and try `uv pip compile requirements.txt` at home."
                .to_owned(),
        );
    }
    if has("The lockfile at `uv.lock` needs to be updated") {
        return Some("Run `uv lock`, commit the new uv.lock and push again.".to_owned());
    }
    if has("dns error") || has("Failed to fetch") || has("Temporary failure in name resolution") {
        return Some(
            "The package index could not be reached. Push again later; if it stays so, ask whoever runs this\n\
             platform."
                .to_owned(),
        );
    }
    if has("No space left on device") {
        return Some("The packages are larger than a build may be here.".to_owned());
    }
    let header = said
        .lines()
        .find_map(|line| line.split_once("fatal error: ")?.1.strip_suffix(": No such file or directory"));
    header.map(|header| {
        format!(
            "A package has to be compiled and misses the C header {header}, which the stack does\n\
             not have. Is there a version of the package with a ready wheel?"
        )
    })
}
