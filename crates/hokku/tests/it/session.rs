//! What a developer typed and what came back, as a snapshot that reads like a page of the guide.

use crate::command::Ran;
use crate::developer::Developer;

/// What differs from run to run, and what stands for it.
const FILTERS: [(&str, &str); 20] = [
    // Only the first server of a machine has to.
    (r"! remote: -----> Preparing Python [^\n]*\n", ""),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)", "[time]"),
    (r"\b\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \+0000( \(~ [^)]*\))?", "[time]"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "[uuid]"),
    (r"\b(run|release)\.\d{4}\b", "$1.[number]"),
    (r"(localhost|127\.0\.0\.1):\d+", "$1:[port]"),
    (r"\b(Deploy|Updated \d+ paths from) [0-9a-f]{7,8}\b", "$1 [commit]"),
    (r"\b[0-9a-f]{7}\.\.[0-9a-f]{7}\b", "[commits]"),
    (r"\b[0-9a-f]{40}\b", "[commit]"),
    (r"\b\d+(\.\d+)?( ?)(MB|M|KB|K|kB|B)\b", "[size]"),
    (r"(Python|python)([- ])3\.(\d+)\.\d+", "$1${2}3.$3.[patch]"),
    (r"\bpostgresql-[a-z]+-\d{5}\b", "[add-on]"),
    // Tables are as wide as the names in them.
    (r"─{60,}", "───"),
    (r"Add-on {2,}Plan", "Add-on   Plan"),
    // What is fetched comes in any order.
    (r"! remote: {7,}(Downloading|Downloaded|Building|Built) [^\n]*\n", ""),
    (r"/tmp/[A-Za-z0-9._-]+", "[temporary]"),
    (r"in \d+(\.\d+)? ?m?s\b", "in [duration]"),
    // A dot for every three seconds.
    (r"\.{4,}", "..."),
    (r"~ \d+[smh] ago", "~ [duration] ago"),
    (r"[ \t]+\n", "\n"),
];

pub(crate) struct Session<'a> {
    developer: &'a Developer,
    page: String,
}

impl<'a> Session<'a> {
    pub(crate) fn new(developer: &'a Developer) -> Self {
        Self { developer, page: String::new() }
    }

    /// Runs `heroku` and writes down how it went.
    pub(crate) fn heroku(&mut self, args: &[&str]) -> Ran {
        let ran = self.developer.heroku(args);
        self.note(&format!("heroku {}", shown(args)), &ran);
        ran
    }

    /// Runs git and writes down how it went.
    pub(crate) fn git(&mut self, args: &[&str]) -> Ran {
        let ran = self.developer.git(args);
        self.note(&format!("git {}", shown(args)), &ran);
        ran
    }

    /// Writes down what a command did that was run elsewhere.
    pub(crate) fn note(&mut self, command: &str, ran: &Ran) {
        let Ran { code, out, err } = ran;
        self.page += &format!("$ {command}\n");
        for (text, mark) in [(out, ""), (err, "! ")] {
            for line in text.lines() {
                self.page += &format!("{mark}{}\n", line.rsplit('\r').next().unwrap_or_default());
            }
        }
        if *code != 0 {
            self.page += &format!("(ends with {code})\n");
        }
        self.page.push('\n');
    }

    /// Compares the page with what was accepted, and begins a new one.
    #[track_caller]
    pub(crate) fn compare(&mut self, name: &str) {
        self.compare_with(name, &[]);
    }

    /// The same, where still more differs.
    #[track_caller]
    pub(crate) fn compare_with(&mut self, name: &str, more: &[(&str, &str)]) {
        let page = std::mem::take(&mut self.page);
        insta::with_settings!({ filters => FILTERS.iter().chain(more).copied(), omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(name, page);
        });
    }
}

fn shown(args: &[&str]) -> String {
    let quoted = |arg: &&str| match arg.contains(' ') {
        true => format!("'{arg}'"),
        false => (*arg).to_owned(),
    };
    args.iter().map(quoted).collect::<Vec<_>>().join(" ")
}
