//! Whether static files are collected, and whether anybody serves them.

use super::settings::last_text;
use crate::finding::{Check, Finding, quoted};
use crate::project::Project;
use crate::python::Module;

const APP: &str = "django.contrib.staticfiles";
const SECURITY: &str = "django.middleware.security.SecurityMiddleware";

pub(super) fn check(project: &Project<'_>, findings: &mut Vec<Finding>) {
    let Some(settings) = project.settings().filter(|settings| settings.complete) else { return };
    let has_app = settings.any_text(|text| text == APP);
    let by_django_heroku = settings.django_heroku("staticfiles").is_some_and(|(_, it_does)| it_does);
    if !has_app || by_django_heroku {
        return;
    }
    if settings.speaks_of("STATIC_ROOT") {
        findings.extend(not_served(project));
    } else {
        findings.extend(no_root(project));
    }
}

fn no_root(project: &Project<'_>) -> Option<Finding> {
    let settings = project.settings()?;
    let at = settings
        .assignments("STATIC_URL")
        .last()
        .or_else(|| settings.assignments("INSTALLED_APPS").last())?;
    let root = match settings.speaks_of("Path") && settings.speaks_of("BASE_DIR") {
        true => r#"BASE_DIR / "staticfiles""#,
        false => r#""staticfiles""#,
    };
    Some(Finding {
        check: Check::StaticRoot,
        file: at.file.to_owned(),
        line: at.statement.line,
        found: "STATIC_ROOT is not set".to_owned(),
        why: "collectstatic, which every build runs, does not know where to collect to, and the push is rejected."
            .to_owned(),
        mend: format!("printf '\\nSTATIC_ROOT = {root}\\n' >> {}", quoted(at.file)),
    })
}

/// Nothing that is known to serve them is spoken of anywhere.
fn not_served(project: &Project<'_>) -> Option<Finding> {
    let settings = project.settings()?;
    let web = project.procfile.command("web")?;
    let by_other = settings.any_text(|text| text.contains("whitenoise") || text.contains("storages."))
        || settings.speaks_of("STATICFILES_STORAGE")
        || settings.any_text(|text| text.starts_with("http") && text.contains("static"));
    if by_other || !web.contains("gunicorn") || served_in_code(project) {
        return None;
    }
    let middleware = settings.assignments("MIDDLEWARE").last()?;
    let security = last_text(middleware.value, |text| text == SECURITY)?;
    let file = quoted(middleware.file);
    Some(Finding {
        check: Check::StaticFiles,
        file: middleware.file.to_owned(),
        line: security.line,
        found: "Nothing serves the static files".to_owned(),
        why: "With DEBUG off Django serves none itself, so pages come without styles and scripts: WhiteNoise serves what \
              collectstatic has collected."
            .to_owned(),
        mend: format!(
            "perl -pi -e '$_ .= qq(    \"whitenoise.middleware.WhiteNoiseMiddleware\",\\n) if $. == {}' {file} && \
             echo whitenoise >> requirements.txt",
            security.line
        ),
    })
}

/// Whether the WSGI module or the URLs speak of static files.
fn served_in_code(project: &Project<'_>) -> bool {
    let mut files =
        project.folder.paths().filter(|path| path.ends_with("wsgi.py") || path.ends_with("urls.py"));
    files.any(|path| {
        let text = project.folder.text(path).unwrap_or_default();
        let module = Module::read(path, &text);
        let words = ["WhiteNoise", "Cling", "static", "staticfiles_urlpatterns", "serve"];
        let mut tokens = module.statements.iter().flat_map(|it| &it.tokens);
        tokens.any(|token| words.iter().any(|word| token.is(word)) && path.ends_with("wsgi.py"))
            || module.statements.iter().any(|it| it.find(&["settings", ".", "STATIC_ROOT"]).is_some())
    })
}
