//! Chromium's protocol over a pair of pipes: JSON texts, each ended by a zero byte. What it says is either the answer to
//! a numbered call or an event.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::{Value, json};

/// An event's name and what it says.
type Event = (String, Value);

pub(super) struct Pipe {
    input: ChildStdin,
    said: Receiver<Value>,
    number: u64,
    answers: BTreeMap<u64, Result<Value, String>>,
    events: Vec<Event>,
}

impl Pipe {
    /// Starts the program that speaks it on its standard input and output.
    pub(super) fn to(command: &mut Command) -> (Child, Self) {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = child.expect("the browser starts: cargo xtask setup installs it");
        let input = child.stdin.take().expect("a pipe");
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, said) = channel();
        // It ends with the browser, or when nobody listens any more.
        std::thread::spawn(move || {
            let mut text = Vec::new();
            while output.read_until(0, &mut text).is_ok_and(|count| count > 0) {
                text.pop();
                let Ok(value) = serde_json::from_slice(&text) else { break };
                if sender.send(value).is_err() {
                    break;
                }
                text.clear();
            }
        });
        let (answers, events) = (BTreeMap::new(), Vec::new());
        (child, Self { input, said, number: 0, answers, events })
    }

    /// Calls a method; the number that its answer has.
    pub(super) fn send(&mut self, session: &str, method: &str, parameters: Value) -> u64 {
        self.number += 1;
        let mut message = json!({ "id": self.number, "method": method, "params": parameters });
        if !session.is_empty() {
            message["sessionId"] = session.into();
        }
        let mut text = message.to_string().into_bytes();
        text.push(0);
        // A browser that is gone answers nothing, which is noticed.
        let _ = self.input.write_all(&text).and_then(|()| self.input.flush());
        self.number
    }

    fn sort(&mut self) {
        while let Ok(mut message) = self.said.try_recv() {
            if let Some(number) = message["id"].as_u64() {
                let result = match message.get("error") {
                    Some(error) => Err(error.to_string()),
                    None => Ok(message["result"].take()),
                };
                self.answers.insert(number, result);
            } else if let Some(method) = message["method"].as_str().map(str::to_owned) {
                self.events.push((method, message["params"].take()));
            }
        }
    }

    /// The answer to a call, once it is there.
    pub(super) fn answer(&mut self, number: u64) -> Option<Result<Value, String>> {
        self.sort();
        self.answers.remove(&number)
    }

    /// What has happened since the last time.
    pub(super) fn take_events(&mut self) -> Vec<Event> {
        self.sort();
        std::mem::take(&mut self.events)
    }
}
