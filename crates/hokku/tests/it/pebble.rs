//! Pebble, the ACME authority that Let's Encrypt has for tests, with a DNS server of its own that knows every name.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::command::Running;
use crate::server::free_ports;
use crate::until::{SOON, until_true};

pub(crate) struct Pebble {
    dir: TempDir,
    port: u16,
    management: u16,
    dns_management: u16,
    _programs: [Running; 2],
}

impl Pebble {
    /// Starts it. It looks at this port of the addresses that its DNS server tells: 127.0.0.1, unless told otherwise.
    pub(crate) fn start(http_port: u16) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let [port, management, dns, dns_management, unused] = free_ports();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let path = |name: &str| dir.path().join(name);
        fs::write(path("own.pem"), made.cert.pem()).expect("written");
        fs::write(path("own.key"), made.signing_key.serialize_pem()).expect("written");
        let config = json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{port}"),
            "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": path("own.pem"),
            "privateKey": path("own.key"),
            "httpPort": http_port,
            "tlsPort": unused,
        }});
        fs::write(path("config.json"), config.to_string()).expect("written");
        let mut names = Command::new("pebble-challtestsrv");
        names.args(["-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-http01", "", "-https01", ""]);
        names.args(["-tlsalpn01", "", "-dns01", &format!("127.0.0.1:{dns}")]);
        names.args(["-management", &format!("127.0.0.1:{dns_management}")]);
        let mut authority = Command::new("pebble");
        authority.arg("-config").arg(path("config.json"));
        authority.args(["-dnsserver", &format!("127.0.0.1:{dns}")]).env("PEBBLE_VA_NOSLEEP", "1");
        let programs = [Running::start(&mut names), Running::start(&mut authority)];
        let pebble = Self { dir, port, management, dns_management, _programs: programs };
        until_true("pebble answers", SOON, || !pebble.fetch(&pebble.directory()).is_empty());
        pebble
    }

    pub(crate) fn directory(&self) -> String {
        format!("https://localhost:{}/dir", self.port)
    }

    /// The file with the certificate that its own server shows.
    pub(crate) fn own_certificate(&self) -> PathBuf {
        self.dir.path().join("own.pem")
    }

    /// The root of the certificates that it makes (PEM).
    pub(crate) fn root(&self) -> Vec<u8> {
        self.fetch(&format!("https://localhost:{}/roots/0", self.management))
    }

    /// Its DNS server tells this address for a host.
    pub(crate) fn set_address(&self, host: &str, address: &str) {
        self.tell("add-a", &json!({ "host": format!("{host}."), "addresses": [address] }));
    }

    /// Its DNS server tells the usual address again.
    pub(crate) fn reset_address(&self, host: &str) {
        self.tell("clear-a", &json!({ "host": format!("{host}.") }));
    }

    fn tell(&self, what: &str, body: &Value) {
        let url = format!("http://127.0.0.1:{}/{what}", self.dns_management);
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--fail", "--noproxy", "*", "--data", &body.to_string(), &url]);
        assert!(curl.status().expect("curl runs").success(), "{what} {body}");
    }

    fn fetch(&self, url: &str) -> Vec<u8> {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--fail", "--noproxy", "*", "--cacert"]).arg(self.own_certificate()).arg(url);
        curl.stderr(Stdio::null()).output().expect("curl runs").stdout
    }
}
