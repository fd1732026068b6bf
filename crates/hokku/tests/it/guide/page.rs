//! `docs/guide.md`: what was typed and what came back, in the order of the story, then the claims with their checks.
//! What differs from run to run is replaced, so that the page only changes when something that a person sees has.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use regex::Regex;

use crate::server::HOKKU;

use super::claims::{CLAIMS, COMMANDS, Claim, ELSEWHERE, NEXT};

/// With the value `write` the page is written; else it is compared.
const MODE: &str = "HOKKU_GUIDE";

/// How many lines of the page help to see where a failed test was.
const LAST_LINES: usize = 60;

const HEAD: &str = "\
# The deployment guide, replayed

The guide that people follow to put a Django app on Heroku, followed here: a fresh server, the sample app
`apps/django-events`, git, the official `heroku` command in a terminal, and a browser. `cargo xtask guide` writes this page;
`cargo xtask test` goes through it all again and fails when a line differs. What differs from run to run stands as
`<time>`, `<size>` and the like; lines left out as `…`.
";

/// What differs from run to run, and what stands for it.
const VOLATILE: [(&str, &str); 52] = [
    // Only the first server of a machine has to.
    (r"remote: -----> Preparing Python [^\n]*\n", ""),
    // What is fetched comes in any order.
    (r"remote: {7,}(Downloading|Downloaded|Building|Built) [^\n]*\n", ""),
    // What git tells a terminal.
    (
        r"(Enumerating objects|Counting objects|Compressing objects|Delta compression|Writing objects|Total \d)[^\n]*\n",
        "",
    ),
    (r"postgres://\S+", "postgres://<user>:<password>@<address>/<database>"),
    (r"(Connections: +)\d+", "$1<number>"),
    (r"\bbucketeer-[a-z]+-\d{5}\b", "<bucket add-on>"),
    (r"HOKKU-[0-9A-Za-z_-]+", "<token>"),
    (r"login from \S+", "login from <machine>"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)", "<time>"),
    (r"\b\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \+0000( \(~ [^)]*\))?", "<time>"),
    (r"\b\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?( (UTC|\+0000))?", "<time>"),
    (r"\b[A-Z][a-z]+ \d{1,2}, \d{4} - \d\d:\d\d:\d\d", "<time>"),
    (r"\b[A-Z][a-z]{2} \d{1,2} \d{4} \d\d:\d\d:\d\d", "<time>"),
    (r"\[\d\d/[A-Z][a-z]{2}/\d{4} \d\d:\d\d:\d\d\]", "[<time>]"),
    (r"~ \d+[smhd] ago", "~ <time> ago"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<uuid>"),
    (r"\b(run|release|scheduler)\.\d+\b", "$1.<number>"),
    (r"/auth/browser/[A-Za-z0-9_-]+", "/auth/browser/<login>"),
    (r"\b127\.0\.0\.1:\d+", "127.0.0.1:8000"),
    (r"0\.0\.0\.0:\d+", "0.0.0.0:<port>"),
    (r"localhost:\d+", "localhost:5443"),
    (r"\bpostgresql-[a-z]+-\d{5}\b", "<add-on>"),
    (r"\b(Deploy|Updated \d+ paths from|main \(root-commit\)|\[main) [0-9a-f]{7,8}\b", "$1 <commit>"),
    (r"\b[0-9a-f]{7,12}\.\.[0-9a-f]{7,12}\b", "<commit>..<commit>"),
    (r"\b[0-9a-f]{64}\b", "<secret>"),
    (r"\b[0-9a-f]{40}\b", "<commit>"),
    (r"\b\d+/\d+ bytes", "<size> of <size>"),
    (r"\b\d+% compression", "<number>% compression"),
    (r"\b[a-z]+-[a-z]+-\d{5}\.dns", "<target>.dns"),
    (r"/join/[A-Za-z0-9_-]+", "/join/<secret>"),
    // Nobody has pinned it.
    (r"\+ qrcode==\S+", "+ qrcode==<version>"),
    (r"psql \([^\n]*", "psql <version>"),
    (r"(PG Version: +)\S+", "$1<version>"),
    (r"\(\d+\.\d+%\)", "(<share>)"),
    (r"(Python 3\.12\.1) \([^\n]*", "$1 <build>"),
    // Control-C may come once from the terminal and once more from `heroku`.
    (r"(\S*DATABASE=> \^C\n)+", ""),
    (r"\b\d+(\.\d+)? ?(MiB|KiB|GB|MB|M|KB|K|kB)\b", "<size>"),
    (r"\bpid: \d+|\(\d+\)( [A-Z])", "pid: <number>$1"),
    (r"request_id=\S+ fwd=\S+", "request_id=<uuid> fwd=<address>"),
    (r"\b(connect|service|bytes)=\d+(ms)?", "$1=<number>$2"),
    (r"dyno=web\.\d+ ", "dyno=web.1 "),
    (r"/tmp/[A-Za-z0-9._/-]+", "<folder>"),
    (r"in \d+(\.\d+)? ?m?s\b", "in <time>"),
    // The dots are seconds.
    (r"(Waiting for release|Starting dynos: web=\d+)\.+ done", "$1... done"),
    (r"Running release command\.+", "Running release command..."),
    // Told only when there was something to wait for.
    (r"Waiting for every dyno to be running [^\n]*\n", ""),
    // The key that was pressed, as often as the terminal shows it.
    (r"(?m)^x+\n", ""),
    (r"(ACCESS_KEY(_ID)?: +)\S+", "$1<secret>"),
    (r"\bbucketeer-[a-z0-9]{20}\b", "<bucket>"),
    // Cut off where the table ends.
    (r"completed provisioning, setting \S+", "completed provisioning, setting …"),
    (r"(add-on>\)) +(\S+) +(\S+) +(\S+) +(\S+)\n", "$1   $2   $3   $4   $5\n"),
    (r"[ \t]+\n", "\n"),
];

/// What was proved, and by what.
struct Proof {
    claim: &'static str,
    check: &'static str,
    looks_at: &'static str,
}

pub(super) struct Page {
    text: String,
    commands: Vec<String>,
    proofs: Vec<Proof>,
    volatile: Vec<(Regex, &'static str)>,
}

impl Page {
    pub(super) fn new() -> Self {
        let compiled =
            |(pattern, stands): (&str, &'static str)| (Regex::new(pattern).expect("a pattern"), stands);
        let volatile = VOLATILE.into_iter().map(compiled).collect();
        Self { text: HEAD.to_owned(), commands: Vec::new(), proofs: Vec::new(), volatile }
    }

    pub(super) fn chapter(&mut self, title: &str) {
        self.add(&format!("\n## {title}\n"));
    }

    pub(super) fn say(&mut self, words: &str) {
        self.add(&format!("\n{words}\n"));
    }

    /// Writes down a command and what came of it. With `lines`, only those that have one of these texts.
    pub(super) fn command(&mut self, command: &str, shown: &str, lines: &[&str]) {
        self.commands.push(command.to_owned());
        let shown = if shown.is_empty() { String::new() } else { self.steady(&format!("{shown}\n")) };
        let shown = if lines.is_empty() { shown } else { excerpt(&shown, lines) };
        self.add(&format!(
            "\n```console\n$ {command}\n{shown}```\n",
            command = self.steady(&command.replace(HOKKU, "hokku")).trim_end()
        ));
    }

    /// A claim that has just been seen to hold.
    pub(super) fn proved(&mut self, claim: &'static str, check: &'static str, looks_at: &'static str) {
        assert!(CLAIMS.iter().any(|known| known.key == claim), "nobody claims `{claim}`");
        self.proofs.push(Proof { claim, check, looks_at });
    }

    /// What was written last; all of it for who writes the page.
    pub(super) fn last_lines(&self) -> String {
        if writes() {
            return self.text.clone();
        }
        let lines: Vec<&str> = self.text.lines().collect();
        lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
    }

    fn add(&mut self, text: &str) {
        self.text += text;
    }

    fn steady(&self, text: &str) -> String {
        let replace = |text: String, (pattern, stands): &(Regex, &str)| {
            pattern.replace_all(&text, *stands).into_owned()
        };
        tables(&self.volatile.iter().fold(text.to_owned(), replace))
    }

    fn was_typed(&self, command: &str) -> bool {
        let has =
            |line: &String| line.split(command).skip(1).any(|rest| rest.is_empty() || rest.starts_with(' '));
        self.commands.iter().any(has)
    }

    /// The table of commands that are run elsewhere. One that nobody runs, and a test that is gone, fail.
    fn elsewhere(&mut self) {
        self.chapter("What people type next, and where it is run");
        self.say("Other tests run these, with the official command too. What is not in this table was typed above.");
        let mut table = String::from("\n| command | test |\n|---|---|\n");
        for command in NEXT {
            let runs = |words: &&&str| command.strip_prefix("heroku ") == Some(**words);
            let test = ELSEWHERE.iter().find(|test| test.commands.iter().any(|words| runs(&words)));
            let Some(test) = test else {
                assert!(self.was_typed(command), "nobody runs `{command}`");
                continue;
            };
            let words = test.commands.iter().find(runs).expect("it is one of them");
            let is_there = test.source.contains(&format!("#[test]\nfn {}()", test.test));
            assert!(
                is_there && test.source.contains(&format!("\"{words}\"")),
                "{} runs no `{command}`",
                test.file
            );
            let name = test.file.trim_end_matches(".rs");
            writeln!(table, "| `{command}` | `{name}::{}` |", test.test).expect("strings take all");
        }
        self.add(&table);
    }

    /// The table of claims. A claim without a check, and a command that was never typed, fail.
    fn claims(&mut self) {
        for command in COMMANDS {
            assert!(self.was_typed(command), "nobody typed `{command}`");
        }
        self.chapter("What the guide claims");
        self.say("Each claim, and the checks that ran just now. They look at what a user sees.");
        let mut table = String::from("\n| the guide says | check | it looks at |\n|---|---|---|\n");
        for Claim { key, words } in &CLAIMS {
            let proofs: Vec<&Proof> = self.proofs.iter().filter(|proof| proof.claim == *key).collect();
            assert!(!proofs.is_empty(), "no check for the claim `{words}`");
            for (number, Proof { check, looks_at, .. }) in proofs.iter().enumerate() {
                let words = if number == 0 { words } else { "" };
                writeln!(table, "| {words} | `{check}` | {looks_at} |").expect("strings take all");
            }
        }
        self.add(&table);
    }

    /// Compares the page with the one in the repository, or writes it there.
    pub(super) fn end(mut self) {
        self.elsewhere();
        self.claims();
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide.md");
        if writes() {
            fs::write(&path, &self.text).expect("docs can be written");
        } else if fs::read_to_string(&path).unwrap_or_default() != self.text {
            let dir = tempfile::tempdir().expect("a folder");
            let now = dir.path().join("guide.md");
            fs::write(&now, &self.text).expect("a file");
            let labels = ["--unified", "--label", "docs/guide.md", "--label", "what came now"];
            let diff = Command::new("diff").args(labels).arg(&path).arg(&now).output().expect("diff runs");
            panic!(
                "docs/guide.md is not what came now; if that is right, run `cargo xtask guide`:\n{}",
                String::from_utf8_lossy(&diff.stdout)
            );
        }
    }
}

fn writes() -> bool {
    std::env::var(MODE).is_ok_and(|mode| mode == "write")
}

/// Tables are as wide as what is in them, which differs: their columns are put closer together. A table is a line, a rule,
/// and what follows until an empty line.
fn tables(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let is_rule = |line: Option<&&str>| line.is_some_and(|line| line.contains("────"));
    let (mut all, mut inside) = (String::new(), false);
    for (number, line) in lines.iter().enumerate() {
        inside = is_rule(lines.get(number + 1)) || inside && !line.is_empty();
        let columns: Vec<&str> =
            line.trim().split("   ").map(str::trim).filter(|text| !text.is_empty()).collect();
        match (inside, is_rule(Some(line))) {
            (true, true) => all += "  ────\n",
            (true, false) => all += &format!("  {}\n", columns.join("   ")),
            (false, _) => all += &format!("{line}\n"),
        }
    }
    all
}

fn fits(line: &str, text: &str) -> bool {
    text.strip_prefix('^').map_or_else(|| line.contains(text), |start| line.starts_with(start))
}

/// The lines that have one of the texts (at their start, where it begins with `^`), and `…` for the others. Every text must be there.
fn excerpt(shown: &str, wanted: &[&str]) -> String {
    for text in wanted {
        assert!(shown.lines().any(|line| fits(line, text)), "no `{text}` in:\n{shown}");
    }
    let mut left = wanted.to_vec();
    let (mut all, mut skipped) = (String::new(), false);
    for line in shown.lines() {
        // The first line for each text.
        if let Some(found) = left.iter().position(|text| fits(line, text)) {
            left.remove(found);
            all += &format!("{}{line}\n", if skipped { "…\n" } else { "" });
            skipped = false;
        } else {
            skipped = true;
        }
    }
    if skipped { all + "…\n" } else { all }
}
