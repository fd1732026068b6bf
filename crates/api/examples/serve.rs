//! The API alone on a loopback port, with an app that seems to run: for trying clients against it by hand.
//!
//! `cargo run -p api --example serve -- DIR PORT`: the account is `owner@example.com`, its password `password`, its
//! token `token`. Nothing is built, run or routed; changes stay as they were written down.

#[path = "../tests/it/desk.rs"]
mod desk;
#[path = "../tests/it/fixture.rs"]
mod fixture;

use std::path::Path;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use http::HeaderValue;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let [_, dir, port] = args.as_slice() else {
        return Err(std::io::Error::other("usage: serve DIR PORT"));
    };
    let port = port.parse().map_err(std::io::Error::other)?;
    std::fs::create_dir_all(dir)?;
    let cx = fixture::context(Path::new(dir), port);
    if cx.store.read(|tx| tx.owner()).await.is_ok_and(|owner| owner.is_none()) {
        let owner = fixture::account(&cx, "owner@example.com", "token").await;
        fixture::running_app(&cx, &owner, "running-app").await;
    }
    // What the router says of a client that came over plain HTTP.
    let over_http = from_fn(|mut request: Request, next: Next| {
        request.headers_mut().insert("x-forwarded-proto", HeaderValue::from_static("http"));
        next.run(request)
    });
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    axum::serve(listener, api::routes(cx).layer(over_http)).await
}
