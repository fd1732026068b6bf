//! The pages as a browser sees them: the real routes before the real API, which answers at a unix socket.

#[path = "../../../api/tests/it/desk.rs"]
mod desk;
// The same app in full swing that the API is tested with.
#[path = "../../../api/tests/it/fixture.rs"]
mod fixture;

mod browser;
mod cli_login;
mod pages;
mod people;
mod sign_in;
