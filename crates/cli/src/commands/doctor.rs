//! `doctor`: what is wrong with the source in a folder.

use std::time::UNIX_EPOCH;

use ::doctor::{Around, Finding, Folder, examine, report};
use serde_json::{Value, json};

use crate::args::doctor::{Command, Doctor};
use crate::context::Context;
use crate::remotes;
use crate::terminal::Paint;
use crate::words::Problem;

/// Exit code when something was found.
const FOUND: u8 = 1;

pub(super) fn run(command: Command, cx: &mut Context) -> anyhow::Result<()> {
    let Command::Doctor(Doctor { dir, json }) = command;
    let dir = cx.env.dir.join(dir.unwrap_or_default());
    if !dir.is_dir() {
        return Err(Problem::NoFolder { dir }.into());
    }
    let folder = match remotes::files(&dir) {
        Some(files) => Folder::of(&dir, files),
        None => Folder::walk(&dir),
    };
    let now = cx.now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let findings = examine(&folder, &Around { seconds: Some(now.as_secs()), ..Around::default() });
    if !findings.is_empty() {
        cx.exit_code = FOUND;
    }
    if json {
        let findings: Vec<Value> = findings.iter().map(as_json).collect();
        return cx.env.screen.json(&json!({ "healthy": findings.is_empty(), "findings": findings }));
    }
    if findings.is_empty() {
        return Ok(cx.env.screen.say("Nothing found: this app looks ready to be pushed.")?);
    }
    let noun = if findings.len() == 1 { "trouble" } else { "troubles" };
    let heading = cx.env.screen.paint(Paint::Bold, &format!("=== {} {noun} found", findings.len()));
    Ok(cx.env.screen.say(format!("{heading}\n\n{}", report(&findings, "").trim_end()))?)
}

fn as_json(finding: &Finding) -> Value {
    let Finding { check, file, line, found, why, mend } = finding;
    json!({ "check": check.as_str(), "file": file, "line": line, "found": found, "why": why, "mend": mend })
}
