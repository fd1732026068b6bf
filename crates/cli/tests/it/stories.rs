//! What people type, topic by topic.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use cli::{LocalServer, Screen, Terminals};

use crate::fixture::PASSWORD;
use crate::harness::{COLLEAGUE, OWNER, Shell, Written};

/// Holds everything that was said against the snapshot of this name; what differs from run to run is named.
fn hold(name: &str, shell: &Shell) {
    let port = shell.url.rsplit(':').next().unwrap_or_default().to_owned();
    let home = shell.dir.path().display().to_string();
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \+0000 \(~ \d+\w ago\)", "[when]");
    settings.add_filter(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", "[time]");
    settings.add_filter(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "[id]");
    settings.add_filter(&format!("(localhost|127.0.0.1)[:_]{port}"), "$1:PORT");
    settings.add_filter(&home, "[home]");
    settings.add_filter(r"[a-z]+-[a-z]+-\d{5}\.dns", "[target].dns");
    settings.add_filter("/join/[A-Za-z0-9_-]{43}", "/join/[secret]");
    settings.add_filter(r"HOKKU-[A-Za-z0-9_-]+", "[token]");
    settings.add_filter(r"HOKK\*{10}.{4}", "[hint]");
    settings.add_filter(r"(Adding a certificate to \S+ done, )\S+", "$1[name]");
    settings.add_filter(r"(Serving \S+ with )[a-z]+-[a-z]+-\d{5}", "$1[name]");
    settings.bind(|| insta::assert_snapshot!(name, shell.said()));
}

fn all(shell: &mut Shell, lines: &[&str]) {
    for line in lines {
        shell.hokku(line);
    }
}

#[test]
fn apps() {
    let mut shell = Shell::start();
    all(
        &mut shell,
        &[
            "apps",
            "apps --json --server nonsense://x",
            "apps:info -a running-app",
            "info -a running-app --shell",
            "info -a nobodys-app",
            "create shop --addons heroku-postgresql:mini --buildpack heroku/python",
            "create shop",
            "create Shop!",
            "rename shop-2 -a shop",
            "maintenance -a shop-2",
            "maintenance:on -a shop-2",
            "maintenance -a shop-2",
            "maintenance:off -a shop-2",
            "open admin -a shop-2",
            "access -a shop-2",
            "destroy -a shop-2 --confirm shop",
        ],
    );
    shell.hokku_typing("destroy -a shop-2", "shop-2\n");
    shell.hokku_typing("destroy -a running-app", "");
    shell.hokku("apps");
    hold("apps", &shell);
}

#[test]
fn people() {
    let mut shell = Shell::start();
    let link = shell.hokku("accounts:add jane@example.com").output;
    assert!(link.trim().contains("/join/"), "{link}");
    all(
        &mut shell,
        &[
            "accounts:add nonsense",
            "accounts",
            "accounts:reset jane@example.com",
            "accounts:remove jane@example.com",
            "accounts:remove jane@example.com",
            "access:add colleague@example.com -a running-app",
            "access:add nobody@example.com -a running-app",
            "access -a running-app",
            "authorizations:create -d robot -s read,identity -e 3600",
            "authorizations:create -s everything",
            "authorizations",
            "apps:transfer colleague@example.com -a running-app",
        ],
    );
    shell.vars.insert("HOKKU_API_KEY".to_owned(), COLLEAGUE.to_owned());
    all(
        &mut shell,
        &[
            "apps",
            "accounts",
            "destroy -a running-app --confirm running-app",
            "apps:transfer:accept running-app",
            "apps:transfer:accept running-app",
            "access:remove owner@example.com -a running-app",
            "apps",
        ],
    );
    hold("people", &shell);
}

#[test]
fn tokens_are_shown_once_renamed_rotated_and_revoked() {
    let mut shell = Shell::start();
    let token = shell.hokku("authorizations:create --short --description robot").output;
    let list = shell.hokku("authorizations --json").output;
    let list: Vec<wire::Authorization> = serde_json::from_str(&list).expect("JSON");
    let robot = list.iter().find(|one| one.description == "robot").expect("the token").id.clone();
    assert!(!shell.said().replacen(&token, "", 1).contains(token.trim()), "it is shown once");
    for (command, told) in [
        (format!("authorizations:update {robot} -d other"), "other"),
        (format!("authorizations:info {robot}"), "**********"),
        (format!("authorizations:rotate {robot}"), "HOKKU-"),
    ] {
        let ended = shell.hokku(&command);
        assert!(ended.code == 0 && ended.output.contains(told), "{ended:?}");
    }
    let rotated = shell.said().rsplit_once("Token:").expect("a token").1.split_whitespace().next();
    let rotated = rotated.expect("a token").to_owned();
    for (token, code) in [(token.trim().to_owned(), 1), (rotated.clone(), 0)] {
        shell.vars.insert("HOKKU_API_KEY".to_owned(), token);
        assert_eq!(shell.hokku("whoami").code, code, "{}", shell.said());
    }
    shell.vars.insert("HOKKU_API_KEY".to_owned(), OWNER.to_owned());
    assert_eq!(shell.hokku(&format!("authorizations:revoke {robot}")).code, 0);
    shell.vars.insert("HOKKU_API_KEY".to_owned(), rotated);
    assert_eq!(shell.hokku("whoami").code, 1);
}

#[test]
fn config_vars_are_edited_in_the_editor() {
    let mut shell = Shell::start();
    shell.vars.insert("HOKKU_APP".to_owned(), "running-app".to_owned());
    shell.vars.insert("EDITOR".to_owned(), "sed -i -e s/one/\"'it is two'\"/ -e '$aNEW=1'".to_owned());
    shell.hokku_typing("config:edit", "n\n");
    shell.hokku_typing("config:edit", "y\n");
    shell.hokku("config");
    shell.vars.insert("EDITOR".to_owned(), "true".to_owned());
    shell.hokku("config:edit");
    shell.vars.insert("EDITOR".to_owned(), "false".to_owned());
    shell.hokku("config:edit");
    shell.vars.insert("EDITOR".to_owned(), "echo nonsense >".to_owned());
    shell.hokku("config:edit");
    hold("config_edit", &shell);
    let left = fs::read_dir(shell.dir.path().join(".config/hokku")).expect("a folder").count();
    assert_eq!(left, 0, "no draft is left");
}

#[test]
fn config_and_releases() {
    let mut shell = Shell::start();
    shell.vars.insert("HOKKU_APP".to_owned(), "running-app".to_owned());
    all(
        &mut shell,
        &[
            "config",
            "config:set A=1 URL=https://x/?a=b&c",
            "config:set nonsense",
            "config --shell",
            "config --json",
            "config:get A NOPE",
            "config:unset A",
            "releases",
            "releases -n 2",
            "releases:info v3",
            "releases:info",
            "releases:output v1",
            "releases:info v99",
            "rollback",
            "rollback v3",
        ],
    );
    hold("config_and_releases", &shell);
}

#[test]
fn processes_and_logs() {
    let mut shell = Shell::start();
    shell.vars.insert("HOKKU_APP".to_owned(), "running-app".to_owned());
    all(
        &mut shell,
        &[
            "ps",
            "ps worker",
            "ps:scale",
            "ps:scale web=3:standard-2x worker-1",
            "ps:scale web",
            "ps:scale clock=1",
            "ps:type",
            "ps:type web=basic worker=standard-2x",
            "ps:type standard-1x",
            "ps:type web=2",
            "ps:wait -t nobody",
            "ps:restart",
            "ps:restart web.1",
            "ps:restart web",
            "ps:stop web.9",
            "ps:stop -p worker",
            "run:detached echo hi --size nano",
            "run:detached python manage.py migrate -e A=1",
            "logs -n 2",
            "logs -n 1 --ps web",
            "logs --dyno worker.1 --source app",
            "logs --source nobody",
            "create empty --no-remote",
            "run bash -a empty",
        ],
    );
    hold("processes_and_logs", &shell);
}

#[test]
fn databases() {
    let mut shell = Shell::start();
    shell.vars.insert("HOKKU_APP".to_owned(), "running-app".to_owned());
    for line in [
        "addons:create heroku-postgresql --name first",
        "addons:create heroku-postgresql:standard-0 --as SPARE --name second",
        "addons:wait second",
        "pg:promote SPARE",
        "pg:promote SPARE",
        "addons:attach first --as SPARE",
        "addons:attach first --as SPARE --confirm running-app",
        "addons:detach SPARE",
        "addons:detach SPARE",
        "addons:upgrade first standard-0",
        "addons:upgrade first heroku-postgresql:teapot",
        "addons:rename first archive",
        "addons",
        "pg:wait archive",
        "pg:killall archive",
        "pg:credentials archive",
        "pg:credentials:url archive",
        "pg:credentials:rotate archive",
        "pg:credentials archive",
        "pg:reset archive",
    ] {
        shell.hokku(line);
    }
    hold("databases", &shell);
}

#[test]
fn addons_domains_and_buildpacks() {
    let mut shell = Shell::start();
    shell.vars.insert("HOKKU_APP".to_owned(), "running-app".to_owned());
    all(
        &mut shell,
        &[
            "addons",
            "addons:services",
            "addons:create heroku-postgresql --wait",
            "addons:create heroku-postgresql:standard-0 --as ANALYTICS --name analytics",
            "addons:create teapot",
            "addons",
            "addons:info analytics",
            "addons:info heroku-postgresql",
            "pg:info",
            "pg:info ANALYTICS_URL --json",
            "addons:destroy DATABASE",
            "addons:destroy DATABASE --confirm running-app",
            "addons:destroy DATABASE --confirm running-app",
            "domains:add www.example.com",
            "domains:add api.localhost",
            "domains",
            "domains:info www.example.com",
            "domains:info nowhere.example.com",
            "domains:wait www.example.com",
            "domains:wait nowhere.example.com",
            "domains:update www.example.com --cert nothing",
            "domains:remove www.example.com",
            "domains:add www.example.com",
            "domains:clear",
            "buildpacks",
            "buildpacks:set heroku/python",
            "buildpacks:add -i 1 https://github.com/heroku/heroku-buildpack-nodejs",
            "buildpacks:add heroku/cobol",
            "buildpacks",
            "buildpacks:remove heroku/ruby",
            "buildpacks:remove -i 1",
            "buildpacks:clear",
        ],
    );
    hold("addons_domains_and_buildpacks", &shell);
}

#[test]
fn certificates() {
    let mut shell = Shell::start();
    shell.vars.insert("HOKKU_APP".to_owned(), "running-app".to_owned());
    let made = rcgen::generate_simple_self_signed(["www.example.com".to_owned()]).expect("a certificate");
    let file = |name: &str| shell.dir.path().join(name).display().to_string();
    let (cert, key) = (file("a.crt"), file("a.key"));
    fs::write(&cert, made.cert.pem()).expect("written");
    fs::write(&key, made.signing_key.serialize_pem()).expect("written");
    all(
        &mut shell,
        &[
            "certs",
            &format!("certs:add {cert} {cert}"),
            &format!("certs:add {cert} nowhere.key"),
            "domains:add www.example.com",
            &format!("certs:add {cert} {key} --domain www.example.com"),
            "certs:remove nothing --confirm running-app",
            "certs:auto",
            "certs:auto:refresh",
            "certs:auto:enable",
            "certs:auto",
            "certs:auto:disable --confirm running-app",
        ],
    );
    hold("certificates", &shell);
    // Its columns are as wide as the name that was made up.
    let listed = shell.hokku("certs").output;
    assert!(listed.contains("www.example.com") && listed.contains("own"), "{listed}");
}

#[test]
fn drains_and_webhooks() {
    let mut shell = Shell::start();
    shell.vars.insert("HOKKU_APP".to_owned(), "running-app".to_owned());
    all(
        &mut shell,
        &[
            "drains",
            "drains:add https://jane:secret@logs.example.com/in?app=1",
            "drains:add https://jane:secret@logs.example.com/in?app=1",
            "drains:add logs.example.com",
            "drains:add syslog+tls://logs.example.com:6514",
            "drains",
            "drains:remove https://jane:secret@logs.example.com/in?app=1",
            "webhooks",
            "webhooks:add -i api:app -u https://example.com/hooks -s mine",
            "webhooks:add -i release -u https://example.com/hooks",
            "webhooks:add -i api:app -l always -u https://example.com/hooks",
            "webhooks",
            "webhooks:deliveries",
            "maintenance:on",
            "webhooks:deliveries",
        ],
    );
    hold("drains_and_webhooks", &shell);
}

#[test]
fn logging_in() {
    let mut shell = Shell::stranger();
    all(&mut shell, &["whoami", "login"]);
    let login = format!("login --server {}", shell.url);
    shell.hokku_typing(&login, "");
    shell.hokku_typing(&login, "owner@example.com\nwrong\n");
    shell.hokku_typing(&login, &format!("owner@example.com\n{PASSWORD}\n"));
    all(&mut shell, &["whoami", "apps"]);
    let file = shell.dir.path().join(".config/hokku/credentials.json");
    let mode = fs::metadata(&file).expect("kept").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let token = shell.hokku("auth:token").output;
    let kept = fs::read_to_string(&file).expect("kept");
    assert!(kept.contains(token.trim()) && !kept.contains(PASSWORD));

    shell.vars.insert("HOKKU_API_KEY".to_owned(), "another".to_owned());
    shell.hokku("whoami");
    shell.vars.remove("HOKKU_API_KEY");
    all(&mut shell, &["logout", "whoami", "logout"]);
    // The token is ended at the server, too.
    shell.vars.insert("HOKKU_API_KEY".to_owned(), token.trim().to_owned());
    let with_old_token = format!("whoami --server {}", shell.url);
    assert_eq!(shell.hokku(&with_old_token).code, 1);
    shell.vars.clear();
    shell.hokku(&login);
    let said = shell.said().replace(token.trim(), "[token]");
    let port = shell.url.clone();
    insta::assert_snapshot!("logging_in", said.replace(&port, "http://127.0.0.1:PORT"));
}

#[test]
fn the_server_of_this_machine_needs_no_login() {
    let mut shell = Shell::stranger();
    assert_eq!(shell.hokku("apps").code, 1);
    let token = Some(OWNER.to_owned());
    shell.local = Some(LocalServer { url: shell.url.clone(), token, ca_pem: String::new() });
    assert_eq!(shell.hokku("apps").output, "running-app\n");
    // Another server does not get its token.
    let elsewhere = shell.hokku("apps --server http://127.0.0.1:9");
    assert_eq!(
        elsewhere.error,
        "error: not logged in to http://127.0.0.1:9\nhint: log in with `hokku login`, or set HOKKU_API_KEY\n"
    );
}

#[test]
fn git_remotes() {
    let mut shell = Shell::start();
    shell.hokku("git:remote -a running-app");
    shell.git(["init", "-q"]);
    all(
        &mut shell,
        &[
            "ps:scale",
            "ps:scale --remote heroku",
            "create shop",
            "info --shell",
            "git:remote -a running-app -r production",
        ],
    );
    // The usual remote is meant, unless another is named.
    all(&mut shell, &["ps:scale", "ps:scale -r production", "rename shop-2"]);
    let remotes = shell.git(["config", "--get-regexp", r"^(remote\..*url|credential|http)"]);
    shell.git(["remote", "set-url", "heroku", "https://git.heroku.com/elsewhere.git"]);
    all(
        &mut shell,
        &["create second", "destroy -r production --confirm running-app", "git:remote -a nobodys-app"],
    );
    let port = shell.url.rsplit(':').next().unwrap_or_default().to_owned();
    insta::assert_snapshot!("git_config", remotes.replace(&port, "PORT"));
    hold("git_remotes", &shell);
}

#[test]
fn git_is_told_the_password_of_this_server_alone() {
    let mut shell = Shell::start();
    let host = shell.url.trim_start_matches("http://").to_owned();
    let ours = format!("protocol=https\nhost={host}\n\n");
    assert_eq!(
        shell.hokku_typing("git:credentials get", &ours).output,
        format!("username=hokku\npassword={OWNER}\n")
    );
    for others in ["protocol=https\nhost=github.com\n", "protocol=http\nhost=HOST\n", "", "host\n"] {
        let others = others.replace("HOST", &host);
        assert_eq!(shell.hokku_typing("git:credentials get", &others).output, "", "{others}");
    }
    assert_eq!(shell.hokku_typing("git:credentials erase", &ours).output, "");
}

#[test]
fn the_doctor_reads_what_git_would_take() {
    let mut shell = Shell::stranger();
    let write = |shell: &Shell, name: &str, text: &str| {
        fs::write(shell.dir.path().join(name), text).expect("written")
    };
    write(&shell, "app.py", "KEY = 'AKIAINVENTEDKEY4TEST'\n");
    write(&shell, "requirements.txt", "flask\n");
    assert_eq!(shell.hokku("doctor").code, 1);
    assert_eq!(shell.hokku("doctor . --json").code, 1);
    write(&shell, "Procfile", "web: python app.py\n");
    shell.git(["init", "-q"]);
    write(&shell, ".gitignore", "app.py\n.env\n");
    write(&shell, ".env", "SECRET=1\n");
    assert_eq!(shell.hokku("doctor").code, 0, "git ignores what is not in order");
    assert_eq!(shell.hokku("doctor --json").code, 0);
    assert_eq!(shell.hokku("doctor nowhere").code, 1);
    hold("the_doctor", &shell);
}

#[test]
fn psql_is_started_with_the_database_in_its_environment() {
    let mut shell = Shell::start();
    shell.hokku("addons:create heroku-postgresql -a running-app");
    let told = shell.dir.path().join("told");
    let script =
        format!("#!/bin/sh\nenv | grep ^PG | sort > {0}\necho \"$@\" >> {0}\nexit 3\n", told.display());
    let psql = shell.dir.path().join("psql");
    fs::write(&psql, script).expect("written");
    fs::set_permissions(&psql, fs::Permissions::from_mode(0o755)).expect("executable");
    shell.vars.insert("PATH".to_owned(), format!("{}:/usr/bin:/bin", shell.dir.path().display()));
    let ended = shell.hokku("pg:psql -a running-app --command select");
    assert_eq!(ended.code, 3, "{ended:?}");
    insta::assert_snapshot!(fs::read_to_string(told).expect("told"), @r"
    PGDATABASE=database
    PGHOST=pg.example.com
    PGPASSWORD=secret
    PGPORT=5432
    PGSSLMODE=require
    PGUSER=user
    --command select
    ");
    assert_eq!(shell.hokku("pg:psql NOTHING -a running-app").code, 1);
}

#[test]
fn a_tail_ends_with_its_reader() {
    let shell = Shell::start();
    let (mut output, error) = (Written::default(), Written::default());
    output.lines_max = Some(2);
    let input = Box::new(std::io::empty());
    let (out, err) = (Box::new(output.clone()), Box::new(error.clone()));
    let screen = Screen::new(input, out, err, Terminals { output: true, ..Terminals::default() }, true);
    let args = ["logs", "--tail", "-a", "running-app"].map(Into::into).to_vec();
    assert_eq!(cli::run(args, shell.env(screen)), 1);
    assert_eq!(error.text(), "");
    assert_eq!(output.text().lines().count(), 2);
    assert!(output.text().contains("\x1b["), "a terminal gets colours: {}", output.text());
}

#[test]
fn help_and_completions() {
    let mut shell = Shell::stranger();
    all(&mut shell, &["--help", "", "scale --help", "psx", "config:set", "run", "logs -n many"]);
    let bash = shell.hokku("completions bash").output;
    assert!(bash.contains("config:set") && bash.contains("--tail"));
    let said = shell.said().replace(&bash, "[script]\n");
    insta::assert_snapshot!("help", said);
}
