//! Every H code: what the client sees and what the access line says.

use std::net::SocketAddr;
use std::time::Duration;

use router::Limits;
use router::table::RouteState;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;

use crate::support::{Router, answers, dyno, fields, read_head, route, serving, short, status};

/// Checks the line of a request for `path`.
async fn expect_line(router: &Router, path: &str, begins: &str, wanted: &[(&str, &str)]) {
    let line = router.line(path).await;
    assert!(line.starts_with(begins), "{line}");
    let fields = fields(&line);
    for (name, value) in wanted {
        assert_eq!(fields.get(*name).map(String::as_str), Some(*value), "{name} in {line}");
    }
}

const NO_DYNO: &[(&str, &str)] = &[("dyno", ""), ("connect", ""), ("service", ""), ("bytes", "")];

#[tokio::test]
async fn apps_without_dynos() {
    let mut router = Router::start(short()).await;
    for (state, code, desc, title, code_status) in [
        (RouteState::Crashed, "H10", "App crashed", "Application Error", 503),
        (RouteState::NoWebProcess, "H14", "No web processes running", "Application Error", 503),
        (RouteState::Starting, "H20", "App boot timeout", "Application Error", 503),
        (serving(&[]), "H20", "App boot timeout", "Application Error", 503),
        (RouteState::Blank, "H81", "Blank app", "Nothing here yet", 502),
    ] {
        router.route("app", state.clone()).await;
        let path = format!("/{}", router.table.generation);
        let response = router.get(&path).await;
        assert_eq!(status(&response), code_status, "{state:?}");
        assert!(response.contains(&format!("<title>{title}</title>")), "{response}");
        assert!(response.contains("Cache-Control: no-cache, no-store\r\n"));
        let at = if code == "H81" { "at=info" } else { "at=error" };
        expect_line(&router, &path, &format!("{at} code={code} desc=\"{desc}\" method=GET "), NO_DYNO).await;
        let code_status = code_status.to_string();
        expect_line(&router, &path, "", &[("status", &code_status), ("fwd", "127.0.0.1"), ("host", "app")])
            .await;
    }
}

#[tokio::test]
async fn maintenance_beats_everything_and_pages_can_be_the_apps_own() {
    let mut router = Router::start(short()).await;
    let mut down = route(RouteState::Crashed);
    down.maintenance = true;
    router.table.routes.insert("app".into(), down.clone());
    router.publish().await;
    let response = router.get("/plain").await;
    assert_eq!(status(&response), 503);
    assert!(response.contains("<title>Offline for Maintenance</title>"));
    expect_line(&router, "/plain", "at=info code=H80 desc=\"Maintenance mode\"", NO_DYNO).await;

    down.maintenance_page_url = Some("//s3/maintenance.html".into());
    down.error_page_url = Some("//s3/error.html".into());
    router.table.routes.insert("app".into(), down.clone());
    router.publish().await;
    assert!(router.get("/own").await.contains("<iframe src=\"//s3/maintenance.html\">"));
    down.maintenance = false;
    router.table.routes.insert("app".into(), down);
    router.publish().await;
    assert!(router.get("/error").await.contains("<iframe src=\"//s3/error.html\">"));
}

#[tokio::test]
async fn a_code_is_explained_once_and_not_with_each_request() {
    let mut router = Router::start(short()).await;
    router.route("app", RouteState::NoWebProcess).await;
    for number in 0..20 {
        assert_eq!(status(&router.get(&format!("/{number}")).await), 503);
    }
    router.route("app", RouteState::Crashed).await;
    assert_eq!(status(&router.get("/crashed").await), 503);
    // Written after the others.
    let explained = router.lines_with("(H10)", 1).await;
    assert!(
        explained[0]
            .starts_with("Likely cause: Every web dyno of the app has crashed (H10). Cure: `hokku logs")
    );
    assert_eq!(router.lines_with(" code=H14 ", 20).await.len(), 20);
    let explained = router.lines_with("(H14)", 1).await;
    assert_eq!(explained.len(), 1, "{explained:?}");
    assert!(explained[0].contains(" Cure: `hokku ps:scale web=1`"), "{explained:?}");
}

#[tokio::test]
async fn an_unknown_host_is_no_app_and_has_no_line() {
    let router = Router::start(short()).await;
    let response = router.get("/lost").await;
    assert_eq!(status(&response), 404);
    assert!(response.contains("<title>No such app</title>"));
    assert_eq!(router.lines(), Vec::<String>::new());
}

#[tokio::test]
async fn dynos_that_cannot_be_reached() {
    let mut router = Router::start(Limits { quarantine: Duration::from_secs(60), ..short() }).await;
    // A bound socket that does not listen refuses; one whose queue is full does not answer.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("it");
    router.serve_by(&[closed]).await;
    assert_eq!(status(&router.get("/refused").await), 503);
    let wanted = [("dyno", "web.1"), ("service", ""), ("bytes", ""), ("status", "503")];
    expect_line(&router, "/refused", "at=error code=H21 desc=\"Backend connection refused\"", &wanted).await;
    assert!(router.line("/refused").await.contains(" connect=0ms "));

    assert_eq!(status(&router.get("/quarantined").await), 503);
    expect_line(&router, "/quarantined", "at=error code=H34 desc=\"All up dynos are quarantined\"", NO_DYNO)
        .await;

    let (full, _held) = unanswering().await;
    router.serve_by(&[full]).await;
    assert_eq!(status(&router.get("/late").await), 503);
    expect_line(&router, "/late", "at=error code=H19 desc=\"Backend connection timeout\"", &wanted).await;
}

/// An address whose connections stay unanswered: the accept queue of one is full.
async fn unanswering() -> (SocketAddr, (tokio::net::TcpListener, Vec<tokio::net::TcpStream>)) {
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let listener = socket.listen(1).expect("it listens");
    let address = listener.local_addr().expect("its address");
    let mut held = Vec::new();
    let patience = Duration::from_millis(100);
    while let Ok(Ok(stream)) = tokio::time::timeout(patience, tokio::net::TcpStream::connect(address)).await {
        held.push(stream);
    }
    (address, (listener, held))
}

#[tokio::test]
async fn one_dead_dyno_among_others_is_not_noticed() {
    let mut router = Router::start(short()).await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("it");
    let (alive, _life) = answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false).await;
    router.serve_by(&[closed, alive]).await;
    for turn in 0..20 {
        assert_eq!(status(&router.get(&format!("/{turn}")).await), 200);
    }
}

#[tokio::test]
async fn dynos_that_answer_badly() {
    let mut router = Router::start(short()).await;
    let cookie: &'static str = format!("HTTP/1.1 200 OK\r\nSet-Cookie: {}\r\n\r\n", "c".repeat(9000)).leak();
    let line: &'static str = format!("HTTP/1.1 200 {}\r\n\r\n", "R".repeat(9000)).leak();
    let header: &'static str = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "h".repeat(600_000)).leak();
    let length = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello";
    for (number, (answer, code, words, answer_status)) in [
        ("", "H13", "Connection closed without response", 503),
        ("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "H17", "Poorly formatted HTTP response", 503),
        ("it works!\r\n\r\n", "H17", "Poorly formatted HTTP response", 503),
        ("HTTP/1.1 200 OK\r\nContent-Le", "H18", "Server Request Interrupted", 503),
        (length, "H25", "HTTP restriction: invalid content length", 502),
        (cookie, "H25", "HTTP restriction: oversized cookie", 502),
        (line, "H25", "HTTP restriction: oversized status line", 502),
        (header, "H25", "HTTP restriction: oversized header", 502),
    ]
    .into_iter()
    .enumerate()
    {
        let (address, _life) = answers(answer, true).await;
        router.serve_by(&[address]).await;
        let path = format!("/{number}");
        let response = router.get(&path).await;
        assert_eq!(status(&response), answer_status, "{code}: {response}");
        assert!(response.contains("<title>Application Error</title>"));
        let sock = if code == "H18" { "sock=backend " } else { "" };
        let wanted = [("dyno", "web.1"), ("bytes", "0"), ("status", &answer_status.to_string())];
        expect_line(&router, &path, &format!("{sock}at=error code={code} desc=\"{words}\""), &wanted).await;
    }
}

#[tokio::test]
async fn answers_that_stop_halfway() {
    let mut router = Router::start(short()).await;
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf";
    let (cut, _life) = answers(half, true).await;
    router.serve_by(&[cut]).await;
    assert!(!router.get("/cut").await.contains("Application Error"), "the answer had begun");
    expect_line(&router, "/cut", "sock=backend at=error code=H18", &[("status", "503"), ("dyno", "web.1")])
        .await;

    let (silent, _life) = answers(half, false).await;
    router.serve_by(&[silent]).await;
    assert!(router.get("/silent").await.ends_with("half"));
    expect_line(&router, "/silent", "at=error code=H15 desc=\"Idle connection\"", &[("status", "503")]).await;

    let (bad, _life) =
        answers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n", false).await;
    router.serve_by(&[bad]).await;
    router.get("/chunk").await;
    expect_line(&router, "/chunk", "at=error code=H17", &[("dyno", "web.1")]).await;
}

#[tokio::test]
async fn a_dyno_that_never_answers() {
    let mut router = Router::start(short()).await;
    let (address, _life) = answers("", false).await;
    router.serve_by(&[address]).await;
    assert_eq!(status(&router.get("/h12").await), 503);
    let wanted = [("dyno", "web.1"), ("bytes", "0"), ("status", "503")];
    expect_line(&router, "/h12", "at=error code=H12 desc=\"Request timeout\"", &wanted).await;
    let line = fields(&router.line("/h12").await);
    let service: u64 = line["service"].trim_end_matches("ms").parse().expect("milliseconds");
    assert!(service >= 300, "{line:?}");
}

#[tokio::test]
async fn the_queue_of_a_busy_app() {
    let limits =
        Limits { dyno_in_flight: 2, backlog_per_dyno: 3, first_byte: Duration::from_secs(20), ..short() };
    let mut router = Router::start(limits).await;
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    let open = std::sync::Arc::clone(&gate);
    let (address, _life) = dyno(move |mut stream| {
        let gate = std::sync::Arc::clone(&gate);
        async move {
            while read_head(&mut stream).await.is_some() {
                gate.acquire().await.expect("open for ever").forget();
                let answer = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
                answer.expect("the router reads");
            }
        }
    })
    .await;
    router.serve_by(&[address]).await;
    let router = std::sync::Arc::new(router);
    let mut waiting = JoinSet::new();
    for number in 0..8 {
        let router = std::sync::Arc::clone(&router);
        waiting.spawn(async move { status(&router.get(&format!("/{number}")).await) });
    }
    // Two are at work, three wait, three are turned away at once, while nothing has been answered yet.
    for _ in 0..3 {
        assert_eq!(waiting.join_next().await.expect("eight were sent").expect("no panic"), 503);
    }
    let mut control = router.control().await;
    assert_eq!(control.in_flight(&[address]).await.expect("counts")[&address], 2);
    open.add_permits(5);
    while let Some(done) = waiting.join_next().await {
        assert_eq!(done.expect("no panic"), 200);
    }
    assert_eq!(router.lines_with(" code=H11 desc=\"Backlog too deep\" ", 3).await.len(), 3);
    assert_eq!(control.in_flight(&[address]).await.expect("counts")[&address], 0);
}

#[tokio::test]
async fn a_queued_request_is_served_when_the_first_dyno_is_up() {
    let mut router = Router::start(Limits { boot: Duration::from_secs(20), ..short() }).await;
    router.route("app", RouteState::Starting).await;
    let mut early = router.connect().await;
    early
        .write_all(b"GET /early HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n")
        .await
        .expect("it reads");
    let (address, _life) = answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false).await;
    router.serve_by(&[address]).await;
    assert_eq!(status(&crate::support::read_to_end(&mut early).await), 200);
}

#[tokio::test]
async fn the_time_an_app_took_to_boot_is_not_held_against_those_who_waited() {
    let limits = Limits {
        boot: Duration::from_secs(20),
        first_byte: Duration::from_millis(400),
        dyno_in_flight: 1,
        ..short()
    };
    let mut router = Router::start(limits).await;
    router.route("app", RouteState::Starting).await;
    let mut waiting = Vec::new();
    for _ in 0..3 {
        let mut early = router.connect().await;
        early
            .write_all(b"GET /e HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n")
            .await
            .expect("it reads");
        waiting.push(early);
    }
    tokio::time::sleep(Duration::from_millis(600)).await;
    let (address, _life) = dyno(|mut stream| async move {
        read_head(&mut stream).await.expect("a request");
        tokio::time::sleep(Duration::from_millis(30)).await;
        stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n").await.expect("the router reads");
    })
    .await;
    router.serve_by(&[address]).await;
    for mut early in waiting {
        assert_eq!(status(&crate::support::read_to_end(&mut early).await), 200);
    }
}

#[tokio::test]
async fn clients_that_leave_or_fall_silent() {
    let mut router = Router::start(Limits { first_byte: Duration::from_secs(20), ..short() }).await;
    let (address, _life) = answers("", false).await;
    router.serve_by(&[address]).await;
    let mut leaving = router.connect().await;
    leaving.write_all(b"GET /left HTTP/1.1\r\nHost: app\r\n\r\n").await.expect("the router reads");
    let mut control = router.control().await;
    while control.in_flight(&[address]).await.expect("counts")[&address] == 0 {}
    drop(leaving);
    let wanted = [("status", "499"), ("bytes", "0"), ("dyno", "web.1")];
    expect_line(
        &router,
        "/left",
        "sock=client at=warning code=H27 desc=\"Client Request Interrupted\"",
        &wanted,
    )
    .await;

    let silent = "POST /silent HTTP/1.1\r\nHost: app\r\nContent-Length: 10\r\n\r\nhalf";
    assert_eq!(router.ask(silent).await, "");
    expect_line(
        &router,
        "/silent",
        "at=warning code=H28 desc=\"Client Connection Idle\"",
        &[("status", "499")],
    )
    .await;
}

#[tokio::test]
async fn requests_that_cannot_be_served() {
    let mut router = Router::start(short()).await;
    let (address, _life) = answers("", false).await;
    router.serve_by(&[address]).await;
    let tea = "GET /tea HTTP/1.1\r\nHost: app\r\nExpect: tea\r\nConnection: close\r\n\r\n";
    assert_eq!(status(&router.ask(tea).await), 417);
    let begins = "at=error code=H26 desc=\"Request Error\" cause=\"unsupported expect header value\"";
    expect_line(&router, "/tea", begins, NO_DYNO).await;

    let chunk = "POST /chunk HTTP/1.1\r\nHost: app\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n";
    assert_eq!(status(&router.ask(chunk).await), 400);
    expect_line(
        &router,
        "/chunk",
        "at=error code=H26 desc=\"Request Error\" cause=\"bad chunk\"",
        &[("status", "400")],
    )
    .await;

    let long =
        format!("GET /long HTTP/1.1\r\nHost: app\r\nA: {}\r\nConnection: close\r\n\r\n", "a".repeat(9000));
    assert_eq!(status(&router.ask(&long).await), 400);
    expect_line(
        &router,
        "/long",
        "at=error code=H26 desc=\"Request Error\" cause=\"bad header\"",
        &[("status", "400")],
    )
    .await;
}

#[tokio::test]
async fn too_many_connections() {
    let mut router = Router::start(Limits { connections: 10, ..short() }).await;
    let (address, _life) = answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false).await;
    router.serve_by(&[address]).await;
    let mut held = Vec::new();
    for _ in 0..10 {
        let mut stream = router.connect().await;
        stream.write_all(b"GET /in HTTP/1.1\r\nHost: app\r\n\r\n").await.expect("the router reads");
        let mut first = [0; 12];
        stream.read_exact(&mut first).await.expect("an answer");
        assert_eq!(&first, b"HTTP/1.1 200");
        held.push(stream);
    }
    assert_eq!(status(&router.get("/surplus").await), 503);
    expect_line(&router, "/surplus", "at=error code=H22 desc=\"Connection limit reached\"", NO_DYNO).await;
}
