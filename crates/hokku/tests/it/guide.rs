//! The deployment guide, from the first line to the last, with the official client in a terminal, git, and a browser. It
//! writes `docs/guide.md`, or holds that it would not write another one.

mod at_home;
mod backups;
mod bucket;
mod claims;
mod data;
mod deploy;
mod home_stretch;
mod login;
mod mistakes;
mod next;
mod page;
mod site;
mod troubles;

use std::path::PathBuf;

use crate::browser::Browser;
use crate::developer::Developer;
use crate::server::Server;
use crate::terminal::{Size, Terminal};
use crate::until::{SOON, until};
use page::Page;

const APP: &str = "events";
const HOST: &str = "events.localhost";
/// The terminal that the guide is typed into.
const SIZE: Size = Size { columns: 140, lines: 30 };

#[test]
fn the_deployment_guide() {
    let server = Server::start();
    let mut guide = Guide::new(&server);
    at_home::the_development_server(&mut guide);
    login::by_the_browser(&mut guide);
    login::an_app(&mut guide);
    deploy::a_database(&mut guide);
    deploy::settings(&mut guide);
    deploy::push(&mut guide);
    deploy::what_is_in_the_dyno(&mut guide);
    data::migrate(&mut guide);
    data::a_person(&mut guide);
    site::open(&mut guide);
    site::logs(&mut guide);
    site::only_https(&mut guide);
    data::rotation(&mut guide);
    site::admin(&mut guide);
    data::python_shell(&mut guide);
    data::database_shell(&mut guide);
    backups::what_is_lost_comes_back(&mut guide);
    home_stretch::checks(&mut guide);
    home_stretch::processes(&mut guide);
    home_stretch::files_go(&mut guide);
    home_stretch::second_edition(&mut guide);
    troubles::application_error(&mut guide);
    troubles::static_files(&mut guide);
    troubles::migrations(&mut guide);
    troubles::module_not_found(&mut guide);
    bucket::pictures(&mut guide);
    bucket::static_files(&mut guide);
    home_stretch::releases(&mut guide);
    mistakes::pointed_out(&mut guide);
    next::looking_back(&mut guide);
    next::the_app_itself(&mut guide);
    next::domains(&mut guide);
    next::people(&mut guide);
    login::by_the_keyboard(&mut guide);
    guide.end();
}

/// A reader of the guide: a shell, a browser, and the page that is being written.
struct Guide<'a> {
    server: &'a Server,
    developer: Developer,
    browser: Browser,
    /// Where the address lands that a command opens in a browser.
    opened: PathBuf,
    page: Page,
}

impl<'a> Guide<'a> {
    fn new(server: &'a Server) -> Self {
        let mut developer = Developer::at_the_beginning(server, "django-events");
        // Whom to trust, as `hokku trust` tells.
        let authority = server.dir().join("tls/ca.pem");
        developer.export("CURL_CA_BUNDLE", authority.to_str().expect("a plain path"));
        // Where `hokku`, run as the owner of the machine, finds the server.
        developer.export("HOKKU_DATA_DIR", server.dir().to_str().expect("a plain path"));
        let opened = developer.note_opened_pages("opened");
        let browser = Browser::start(&server.dir().join("tls/ca.pem"));
        Self { server, developer, browser, opened, page: Page::new() }
    }

    /// Types a line, which must end well, and writes down what it shows.
    #[track_caller]
    fn run(&mut self, command: &str) -> String {
        self.run_showing(command, &[])
    }

    /// Types a line, which must end well, and writes down those lines that have one of these texts.
    #[track_caller]
    fn run_showing(&mut self, command: &str, lines: &[&str]) -> String {
        let terminal = self.begin(command);
        self.finish(command, terminal, lines)
    }

    /// Types a line that is refused, and writes it down.
    #[track_caller]
    fn run_refused(&mut self, command: &str, lines: &[&str]) -> String {
        let (code, screen) = self.begin(command).end();
        assert_ne!(code, Some(0), "`{command}` showed:\n{screen}");
        self.page.command(command, &screen, lines);
        screen
    }

    /// Types a line, and goes on while it runs.
    fn begin(&self, command: &str) -> Terminal {
        self.developer.shell_in_terminal(command, SIZE)
    }

    /// Waits until it ends, which must be well, and writes it down.
    #[track_caller]
    fn finish(&mut self, command: &str, terminal: Terminal, lines: &[&str]) -> String {
        let (code, screen) = terminal.end();
        assert_eq!(code, Some(0), "`{command}` showed:\n{screen}");
        self.page.command(command, &screen, lines);
        screen
    }

    /// A command in a dyno, and what it prints; not part of the story.
    #[track_caller]
    fn in_dyno(&self, command: &str) -> String {
        self.developer.heroku(&["run", "--exit-code", command]).ok().out
    }

    /// Asserts a claim, and notes what it was checked by.
    #[track_caller]
    fn holds(
        &mut self,
        claim: &'static str,
        check: &'static str,
        looks_at: &'static str,
        seen: Result<(), String>,
    ) {
        if let Err(error) = seen {
            panic!("{claim}, {check} ({looks_at}): {error}");
        }
        self.page.proved(claim, check, looks_at);
    }

    /// The address that a command has just opened in the browser.
    #[track_caller]
    fn opened(&self) -> String {
        let address = until("an address is opened", SOON, || std::fs::read_to_string(&self.opened).ok());
        std::fs::remove_file(&self.opened).expect("it is there");
        address.trim().to_owned()
    }

    /// The browser must have nothing to complain about.
    #[track_caller]
    fn browser_is_content(&mut self, at: &str) {
        let problems = self.browser.take_problems();
        assert!(problems.is_empty(), "{at}: {problems:#?}");
    }

    fn end(mut self) {
        std::mem::replace(&mut self.page, Page::new()).end();
    }
}

impl Drop for Guide<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            crate::server::show(&format!("--- the page so far ends with:\n{}", self.page.last_lines()));
        }
    }
}

/// All of these texts must be there.
fn has(shown: &str, texts: &[&str]) -> Result<(), String> {
    match texts.iter().find(|text| !shown.contains(**text)) {
        Some(text) => Err(format!("no `{text}` in:\n{shown}")),
        None => Ok(()),
    }
}
