//! What a failed step's own last words mean, and what to do about it. Nothing is guessed: a text that is not known
//! gives no advice.

/// Advice on a failed `manage.py collectstatic`.
pub(super) fn collectstatic(said: &str) -> Option<String> {
    let has = |text: &str| said.contains(text);
    if has("STATICFILES_STORAGE/STORAGES are mutually exclusive") {
        return Some(
            "django_heroku.settings(locals()) sets STATICFILES_STORAGE, which Django 4.2 and later refuse beside\n\
             STORAGES. In your settings, call django_heroku.settings(locals(), staticfiles=False) instead."
                .to_owned(),
        );
    }
    if has("without having set the STATIC_ROOT setting") {
        return Some(
            "Django does not know where to collect to. In your settings, set\n\
             STATIC_ROOT = BASE_DIR / \"staticfiles\""
                .to_owned(),
        );
    }
    if has("Unknown command: 'collectstatic'") {
        return Some("Add 'django.contrib.staticfiles' to INSTALLED_APPS in your settings.".to_owned());
    }
    if let Some(module) = quoted_after(said, "No module named ") {
        return Some(format!(
            "The module '{module}' is not installed. Add the package that has it to requirements.txt."
        ));
    }
    if has("SECRET_KEY") {
        return Some(set_config_var("SECRET_KEY"));
    }
    if let Some(name) = quoted_after(said, "KeyError: ").filter(|name| is_variable(name)) {
        return Some(set_config_var(name));
    }
    if has("OperationalError") || has("could not connect to server") || has("Connection refused") {
        return Some(
            "Your code asks for the database (or another service) while Django is being set up. That is not\n\
             reachable during a build: move the query into a function that runs later."
                .to_owned(),
        );
    }
    has("Missing staticfiles manifest entry").then(|| {
        "A template or a stylesheet names a static file that does not exist; its name is in the output above."
            .to_owned()
    })
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

fn set_config_var(name: &str) -> String {
    format!(
        "Your settings need the config var {name}, also during a build. Set it before pushing:\n\
         hokku config:set {name}=..."
    )
}

/// The text between the quotes that follow `before`.
fn quoted_after<'a>(said: &'a str, before: &str) -> Option<&'a str> {
    let (_, after) = said.rsplit_once(before)?;
    let quote = after.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    after[1..].split(quote).next()
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}
