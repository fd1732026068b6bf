//! The doctor: what is wrong with an app, told from its source before it runs, and from its last words after.
//!
//! ```text
//!  a folder ──folder──► python, requirements, Procfile ──checks──► findings     (push output, `hokku doctor`)
//!  lines that a process printed, how it ended ──diagnosis──► cause and cure     (push output, the app's log)
//! ```
//! Text in, words out: nothing is run, nothing is asked over the network, no clock. What cannot be told for sure is not
//! told: a false alarm costs more trust than a missed one. All that is read is foreign, so every reader has a limit and
//! no input makes it fail.
//!
//! Not here: who shows the words and where. Advice on packages that cannot be installed is the build's own.

mod checks;
pub mod diagnosis;
mod finding;
mod folder;
mod project;
mod python;
mod requirements;

pub use checks::{Around, FINDINGS_MAX, examine};
pub use finding::{Check, Finding, report};
pub use folder::Folder;
