//! The developer's own machine, before any platform: SQLite and the development server.

use crate::server::free_ports;

use super::{Guide, has};

/// By these names this machine tells how packages are reached.
const NETWORK: [&str; 3] = ["UV_", "PIP_", "SSL_CERT_"];
/// What a developer has lying around and never commits.
const ENV_FILE: &str = "SECRET_KEY=only-for-this-machine\n";

pub(super) fn the_development_server(guide: &mut Guide<'_>) {
    guide.page.chapter("On your own machine");
    guide.page.say("The same app, on SQLite and Django's development server.");
    let network: Vec<(String, String)> =
        std::env::vars().filter(|(name, _)| leads_to_packages(name)).collect();
    network.iter().for_each(|(name, value)| guide.developer.export(name, value));
    guide.developer.export("UV_SYSTEM_CERTS", "1");
    let cache = std::env::var("HOKKU_CACHE_DIR").unwrap_or_else(|_| "/var/cache/hokku".to_owned());
    guide.developer.export("UV_CACHE_DIR", &format!("{cache}/uv"));
    guide.developer.export("DEBUG", "1");
    guide.developer.write(".env", ENV_FILE);
    guide.run("uv venv --quiet && uv pip install --quiet --requirement requirements.txt");
    guide.run_showing(
        ".venv/bin/python manage.py migrate",
        &["Operations to perform", "Apply all migrations", "Applying events.0001_initial... OK"],
    );
    network.iter().for_each(|(name, _)| guide.developer.unset(name));
    let [port] = free_ports();
    let typed = ".venv/bin/python manage.py runserver";
    let server = &format!("{typed} 127.0.0.1:{port}");
    let mut terminal = guide.begin(server);
    terminal.until_it_shows("Quit the server with CONTROL-C.");
    let health = guide.run(&format!("curl --silent http://127.0.0.1:{port}/healthz"));
    let page = guide.developer.run("curl", &["--silent", &format!("http://127.0.0.1:{port}/")]).ok().out;
    terminal.press("\u{3}");
    guide.finish(server, terminal, &["Django version", "Starting development server", "GET /healthz"]);
    guide.developer.unset("DEBUG");
    let seen =
        has(&health, &["\"database\": \"sqlite\"", "\"status\": \"ok\""]).and(has(&page, &["What is on"]));
    guide.holds("local", "the_development_server", "`/healthz` and the home page of `runserver`", seen);
}

fn leads_to_packages(name: &str) -> bool {
    NETWORK.iter().any(|start| name.starts_with(start)) || name.to_ascii_lowercase().ends_with("_proxy")
}
