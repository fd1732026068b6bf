//! The control server's own hosts.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

use crate::support::{Router, control_route, read_to_end, short, status};

const ASK: &str = "GET /apps HTTP/1.1\r\nHost: api.x\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn it_is_reached_over_its_socket_and_says_so_when_it_is_not() {
    let mut router = Router::start(short()).await;
    let socket = router.home().join("api.sock");
    router.table.control = Some(control_route(socket.clone()));
    router.publish().await;
    let response = router.ask(ASK).await;
    assert_eq!(status(&response), 503);
    assert!(
        response.contains("Retry-After: 2\r\n") && response.contains("{\"id\":\"unavailable\",\"message\":")
    );

    let listener = UnixListener::bind(&socket).expect("a socket");
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut head = vec![0; 4096];
        let count = stream.read(&mut head).await.expect("a request");
        let head = String::from_utf8_lossy(&head[..count]).into_owned();
        // Longer than a dyno may be silent, before the first byte and after it.
        tokio::time::sleep(Duration::from_millis(600)).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await.expect("it reads");
        tokio::time::sleep(Duration::from_millis(600)).await;
        stream.write_all(b"2\r\nok\r\n0\r\n\r\n").await.expect("it reads");
        head
    });
    let response = router.ask(ASK).await;
    assert!(response.starts_with("HTTP/1.1 200 OK") && response.contains("\r\nok\r\n"), "{response}");
    let head = server.await.expect("no panic");
    assert!(head.contains("X-Forwarded-For: 127.0.0.1\r\n") && head.contains("Host: api.x\r\n"), "{head}");
    // Its listener is gone again: refused, but never left alone for it.
    assert_eq!(status(&router.ask(ASK).await), 503);
    let listener = rebind(&socket);
    let again = async {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.expect("it reads");
        stream
    };
    let (response, _stream) = tokio::join!(router.ask(ASK), again);
    assert_eq!(status(&response), 204);
    assert_eq!(router.lines(), Vec::<String>::new(), "requests to the platform are in no app's log");
}

fn rebind(socket: &std::path::Path) -> UnixListener {
    std::fs::remove_file(socket).expect("the old socket");
    UnixListener::bind(socket).expect("a socket")
}

#[tokio::test]
async fn a_control_server_killed_over_a_request_is_said_to_be_restarting() {
    let mut router = Router::start(short()).await;
    let socket = router.home().join("api.sock");
    router.table.control = Some(control_route(socket.clone()));
    router.publish().await;
    let listener = UnixListener::bind(&socket).expect("a socket");
    let mut client = router.connect().await;
    client.write_all(ASK.as_bytes()).await.expect("the router reads");
    let (stream, _) = listener.accept().await.expect("a connection");
    drop((stream, listener));
    let response = read_to_end(&mut client).await;
    assert!(status(&response) == 503 && response.contains("\"unavailable\""), "{response}");
}
