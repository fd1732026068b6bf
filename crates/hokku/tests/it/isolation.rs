//! What code in a dyno can reach and see: its own, the internet, its database; nothing of others or of the platform.

use serde_json::{Value, json};

use crate::developer::Developer;
use crate::server::Server;
use crate::until::{PATIENCE, until, until_true};

const APP: &str = "inmate";
const OTHER: &str = "neighbour";

/// Reports what a dyno sees and reaches, as JSON. `argv[1]` is a list of `name=host:port` to connect to.
const PROBE: &str = r#"
import json, os, socket, ssl, sys

def reaches(address):
    host, port = address.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), 4).close()
        return True
    except OSError:
        return False

def answers(address):
    """Who answers the API's hosts at this address: nobody, the buckets, or somebody else with these words."""
    host, port = address.rsplit(":", 1)
    context = ssl._create_unverified_context()
    said = b""
    try:
        with socket.create_connection((host, int(port)), 4) as plain, context.wrap_socket(plain) as stream:
            stream.sendall(f"GET /apps HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n".encode())
            while part := stream.recv(4096):
                said += part
    except OSError as error:
        return said.decode() or f"nobody: {error}"
    return "buckets" if b"<Code>AccessDenied</Code>" in said else said.decode()

def can(action):
    try:
        action()
        return True
    except OSError:
        return False

def status(name):
    return next(line.split(":", 1)[1].split() for line in open("/proc/self/status") if line.startswith(name + ":"))

targets = dict(word.split("=", 1) for word in sys.argv[1:])
print(json.dumps({
    "reaches": {name: reaches(address) for name, address in targets.items()},
    "answers": answers(targets["buckets"]),
    "uid": os.getuid(),
    "capabilities": status("CapEff")[0].strip("0") or "none",
    "seccomp": status("Seccomp")[0],
    "no_new_privileges": status("NoNewPrivs")[0],
    "processes": sorted(open(f"/proc/{name}/comm").read().strip() for name in os.listdir("/proc") if name.isdigit()),
    "writes_system": can(lambda: open("/usr/bin/mark", "w")),
    "writes_app": can(lambda: open("/app/mark", "w")),
    "other_data": [path for path in DATA_DIRS if os.path.exists(path)],
    "kernel_log": can(lambda: open("/dev/kmsg")),
    "disks": [name for name in os.listdir("/dev") if name.startswith(("sd", "vd", "nvme", "loop", "mem"))],
    "memory": int(open("/sys/fs/cgroup/memory/memory.limit_in_bytes").read()) >> 20,
    "WEB_CONCURRENCY": os.environ.get("WEB_CONCURRENCY"),
}))
"#;
/// Takes more and more memory, page by page: past the quota, then past twice the quota.
const GLUTTON: &str = r#"
import time
kept = []
while True:
    kept.append(bytearray(b"x" * (16 << 20)))
    time.sleep(0.1)
"#;

#[test]
fn a_dyno_is_alone() {
    let server = Server::start();
    let developer = Developer::new(&server, "hello");
    let dirs =
        format!("DATA_DIRS = {:?}\n", [server.dir().to_str().expect("a plain path"), "/var/cache/hokku"]);
    developer.write("probe.py", &(dirs + PROBE));
    developer.write("glutton.py", GLUTTON);
    developer.write("Procfile", "web: python web.py\nglutton: python glutton.py\n");
    developer.commit("probe");
    for app in [APP, OTHER] {
        server.change("POST", "/apps", &json!({ "name": app }));
        developer.add_remote(&server, app);
        developer.git(&["push", "heroku", "main"]).ok();
        developer.git(&["remote", "remove", "heroku"]).ok();
    }
    server.change("POST", &format!("/apps/{APP}/addons"), &json!({ "plan": "heroku-postgresql:mini" }));
    server.change("POST", &format!("/apps/{OTHER}/addons"), &json!({ "plan": "heroku-postgresql:mini" }));
    let [url, others_url] = [APP, OTHER]
        .map(|app| until("there is a database", PATIENCE, || server.config_var(app, "DATABASE_URL")));
    sees_and_reaches(&server, &developer, &url);
    databases_are_apart(&developer, &url, &others_url);
    files_are_gone_at_a_restart(&server);
    memory_has_an_end(&server);
}

/// The output of a command in a one-off dyno of the app.
fn run(developer: &Developer, command: &str) -> String {
    developer.heroku(&["run", "-a", APP, "--no-tty", command]).ok().out
}

fn sees_and_reaches(server: &Server, developer: &Developer, url: &str) {
    let database = url.rsplit('@').next().and_then(|rest| rest.split('/').next()).expect("host and port");
    let gateway = database.split(':').next().expect("a host");
    let neighbour = neighbour_address(server);
    let port = server.port();
    let targets = format!(
        "postgres={database} buckets={gateway}:{port} ssh={gateway}:22 neighbour={neighbour} metadata=169.254.169.254:80 own-loopback=127.0.0.1:{port}"
    );
    let printed = run(developer, &format!("python probe.py {targets}"));
    let seen: Value = serde_json::from_str(printed.trim()).unwrap_or_else(|_| panic!("{printed}"));
    assert_eq!(
        seen,
        json!({
            "reaches": {
                "postgres": true, "buckets": true, "ssh": false, "neighbour": false,
                "metadata": false, "own-loopback": false,
            },
            // What dynos find at the public port is the buckets and nothing else: not the API, whatever host they name.
            "answers": "buckets",
            "uid": 1000,
            "capabilities": "none",
            "seccomp": "2",
            "no_new_privileges": "1",
            "processes": ["python", "tini"],
            "writes_system": false,
            "writes_app": true,
            "other_data": [],
            "kernel_log": false,
            "disks": [],
            "memory": 512,
            "WEB_CONCURRENCY": "2",
        })
    );
}

/// Address and port of the other app's web dyno, from the router's table.
fn neighbour_address(server: &Server) -> String {
    let table =
        std::fs::read_to_string(server.dir().join("router/table.json")).expect("the router keeps its table");
    let table: Value = serde_json::from_str(&table).expect("JSON");
    let dyno = &table["routes"][format!("{OTHER}.localhost")]["state"]["serving"]["dynos"][0];
    dyno["addr"].as_str().unwrap_or_else(|| panic!("{table:#}")).to_owned()
}

/// An app's role is let into the app's database only, and nobody without its password.
fn databases_are_apart(developer: &Developer, url: &str, others_url: &str) {
    let psql = |url: &str| developer.run("psql", &[url, "-Atc", "SELECT 6 * 7"]);
    assert_eq!(psql(url).ok().out.trim(), "42");
    let (before, own) = url.rsplit_once('/').expect("a database");
    let (_, others) = others_url.rsplit_once('/').expect("a database");
    let (role, rest) = before.split_once("://").and_then(|(_, rest)| rest.split_once(':')).expect("a role");
    let (_, place) = rest.split_once('@').expect("a place");
    for refused in [
        format!("{before}/{others}"),
        format!("{before}/postgres"),
        format!("{before}/template1"),
        format!("postgres://{role}:wrong@{place}/{own}"),
        format!("postgres://{role}@{place}/{own}"),
        format!("postgres://postgres@{place}/postgres"),
    ] {
        let ran = developer.run("psql", &["-w", &refused, "-Atc", "SELECT 6 * 7"]);
        assert!(ran.code != 0 && !ran.out.contains("42"), "{refused}: {}", ran.said());
    }
    let files = developer.run("psql", &[url, "-Atc", "SELECT pg_read_file('/etc/passwd')"]);
    assert!(files.err.contains("permission denied"), "{}", files.said());
}

fn files_are_gone_at_a_restart(server: &Server) {
    assert_eq!(server.page(APP, "/write?text=note").text(), "written\n");
    assert_eq!(server.page(APP, "/read").text(), "note");
    server.change("DELETE", &format!("/apps/{APP}/dynos/web.1"), &json!(null));
    until_true("a fresh dyno without the file", PATIENCE, || server.page(APP, "/read").status == 404);
}

/// R14 while it is over its quota; R15 and the end at twice the quota.
fn memory_has_an_end(server: &Server) {
    server.change("PATCH", &format!("/apps/{APP}/formation/glutton"), &json!({ "quantity": 1 }));
    server.until_logged(
        APP,
        &[
            "heroku[glutton.1]: Error R14 (Memory quota exceeded)",
            "heroku[glutton.1]: Error R15 (Memory quota vastly exceeded)",
            "heroku[glutton.1]: State changed from up to crashed",
        ],
    );
    server.change("PATCH", &format!("/apps/{APP}/formation/glutton"), &json!({ "quantity": 0 }));
    assert_eq!(server.page(APP, "/").status, 200, "the web dyno does not feel it");
}
