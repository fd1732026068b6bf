//! Django's own complaints.

use super::{Diagnosis, Seen, Trouble};

pub(super) fn look(seen: &Seen<'_>) -> Option<Diagnosis> {
    requests(seen).or_else(|| static_files(seen))
}

fn requests(seen: &Seen<'_>) -> Option<Diagnosis> {
    if let Some(host) = seen.quoted_after("Invalid HTTP_HOST header: ") {
        let host = host
            .rsplit_once(':')
            .filter(|(_, port)| port.bytes().all(|it| it.is_ascii_digit()))
            .map_or(host, |(it, _)| it);
        return Some(Diagnosis::new(
            Trouble::DisallowedHost,
            host,
            format!("ALLOWED_HOSTS in the settings lacks {host}, so Django answers with status 400."),
            "`ALLOWED_HOSTS = [\"*\"]`: the router passes on only requests for the app's own hosts. Commit and push."
                .to_owned(),
        ));
    }
    let origin = seen.between("Origin checking failed - ", " does not match any trusted origins")?;
    Some(Diagnosis::new(
        Trouble::Origin,
        origin,
        format!("Django does not trust forms from {origin}: it does not know that the router speaks HTTPS for it."),
        "`SECURE_PROXY_SSL_HEADER = (\"HTTP_X_FORWARDED_PROTO\", \"https\")` in the settings; for other hosts than the \
         app's own, CSRF_TRUSTED_ORIGINS."
            .to_owned(),
    ))
}

fn static_files(seen: &Seen<'_>) -> Option<Diagnosis> {
    if let Some(file) = seen.quoted_after("Missing staticfiles manifest entry for ") {
        return Some(Diagnosis::new(
            Trouble::StaticFile,
            file,
            format!("A template names the static file {file}, which collectstatic did not find at the build."),
            "Correct the name, which is case-sensitive, or commit the file (`git status --ignored`); if DISABLE_COLLECTSTATIC \
             is set: `hokku config:unset DISABLE_COLLECTSTATIC`. Then push."
                .to_owned(),
        ));
    }
    if seen.has("STATICFILES_STORAGE/STORAGES are mutually exclusive") {
        return Some(Diagnosis::new(
            Trouble::Storages,
            "",
            "django_heroku.settings(locals()) sets STATICFILES_STORAGE, which Django 4.2 and later refuse beside STORAGES."
                .to_owned(),
            "In the settings call `django_heroku.settings(locals(), staticfiles=False)` instead. Commit and push."
                .to_owned(),
        ));
    }
    if seen.has("without having set the STATIC_ROOT setting") {
        return Some(Diagnosis::new(
            Trouble::Collectstatic,
            "STATIC_ROOT",
            "Django does not know where to collect static files to.".to_owned(),
            "In the settings set `STATIC_ROOT = BASE_DIR / \"staticfiles\"`. Commit and push.".to_owned(),
        ));
    }
    seen.has("Unknown command: 'collectstatic'").then(|| {
        Diagnosis::new(
            Trouble::Collectstatic,
            "INSTALLED_APPS",
            "The app that has the command collectstatic is not among the installed ones.".to_owned(),
            "Add 'django.contrib.staticfiles' to INSTALLED_APPS in the settings. Commit and push.".to_owned(),
        )
    })
}
