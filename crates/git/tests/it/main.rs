//! Real git, the real hook, real HTTP, a real store: pushes and fetches as people make them.
//!
//! What follows a push (building, releasing, starting dynos) is played by the tests, which write the rows and
//! transcripts that those stages would write.

mod deploy;
mod fetch;
mod http;
mod interrupted;
mod references;
mod server;
mod work;
