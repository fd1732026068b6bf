use std::time::Duration;

use model::time::Timestamp;

use super::{Ended, Tls, message};
use crate::config::Limits;
use crate::failure::Failure;
use crate::http1::request::{Arrival, Parsed, RequestHead, parse};

fn head(text: &str) -> RequestHead {
    let arrival = Arrival {
        peer: "1.2.3.4".parse().expect("an address"),
        port: 80,
        tls: false,
        at: Timestamp::from_micros(0),
        random: [1; 16],
    };
    match parse(text.as_bytes(), arrival, &Limits::default()) {
        Ok(Parsed::Whole(head, _)) => *head,
        other => panic!("{text:?} gave {other:?}"),
    }
}

#[test]
fn the_lines() {
    let get = head(
        "GET /x?a=\"1\" HTTP/1.1\r\nHost: shop.example:80\r\nUser-Agent: cu\"rl\r\nX-Forwarded-For: 9.9.9.9\r\n\r\n",
    );
    let old = head("POST / HTTP/1.0\r\nHost: shop.example\r\n\r\n");
    let good = Ended {
        head: &get,
        tls: Tls::V13,
        failure: None,
        status: 200,
        dyno: Some("web.1"),
        connect: Some(Duration::from_micros(900)),
        service: Duration::from_millis(18),
        bytes: 1523,
    };
    let mut lines = vec![
        message(&good),
        message(&Ended { head: &old, tls: Tls::Off, ..good }),
        message(&Ended { tls: Tls::V12, ..good }),
    ];
    let without_dyno =
        |failure| Ended { failure: Some(failure), dyno: None, connect: None, bytes: 0, ..good };
    let with_dyno = |failure| Ended { failure: Some(failure), bytes: 0, ..good };
    for failure in [
        Failure::AppCrashed,
        Failure::BacklogTooDeep,
        Failure::NoWebProcess,
        Failure::BootTimeout,
        Failure::ConnectionLimit,
        Failure::AllQuarantined,
        Failure::Maintenance,
        Failure::Blank,
        Failure::Misdirected,
        Failure::BadRequest("unsupported expect header value", 417),
        Failure::Platform,
    ] {
        lines.push(message(&without_dyno(failure)));
    }
    for failure in [
        Failure::RequestTimeout,
        Failure::ClosedWithoutResponse,
        Failure::IdleConnection,
        Failure::MalformedResponse,
        Failure::ServerInterrupted,
        Failure::ConnectTimeout,
        Failure::ConnectRefused,
        Failure::ForcedClose,
        Failure::Restricted("oversized cookie"),
        Failure::BadRequest("bad chunk", 400),
        Failure::ClientInterrupted,
        Failure::ClientIdle,
    ] {
        lines.push(message(&with_dyno(failure)));
    }
    insta::assert_snapshot!(lines.join("\n"));
}
