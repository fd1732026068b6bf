//! Installs what the project needs and the machine lacks, by ordinary clients: Debian packages with apt, `uv` from PyPI,
//! the `heroku` command from npm. What is there already is left alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Outcome, find, output, run, say};

/// The official CLI that tests drive.
const HEROKU: &str = "11.10.0";
/// The package installer for builds.
const UV: &str = "0.13.9";
/// The oldest Node that the CLI runs on, and the one installed when the machine's is older.
const NODE_MAJOR_MIN: u32 = 20;
const NODE: &str = "22";

/// A program, and the Debian package that has it.
const PROGRAMS: [(&str, &str); 15] = [
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
    ("npm", "npm"),
    ("busybox", "busybox-static"),
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
    let mut path = Vec::new();
    path.extend(node(&tools)?);
    path.push(heroku(&tools, &path)?);
    Ok(Tools { uv, path })
}

fn debian() -> Outcome {
    let there = |program: &str| match program {
        "pg_ctl" => fs::read_dir(POSTGRES).is_ok_and(|mut versions| versions.next().is_some()),
        _ => find(program).is_some(),
    };
    let missing: Vec<&str> =
        PROGRAMS.iter().filter(|(program, _)| !there(program)).map(|(_, package)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    say(&format!("== installing from Debian: {}", missing.join(" ")));
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").args(["-q", "-y"]);
        apt
    };
    run(apt().arg("update"))?;
    run(apt().args(["install", "--no-install-recommends"]).args(&missing))
}

/// uv is a program in a Python package; pip fetches it, and Python itself is not needed to run it.
fn uv(tools: &Path) -> Outcome<PathBuf> {
    let dir = tools.join(format!("uv-{UV}"));
    let program = dir.join("bin/uv");
    if program.is_file() {
        return Ok(program);
    }
    say(&format!("== installing uv {UV} from PyPI"));
    if output(Command::new("python3").args(["-m", "pip", "--version"])).is_err() {
        run(Command::new("apt-get").args(["-q", "-y", "install", "--no-install-recommends", "python3-pip"]))?;
    }
    in_place(&dir, |half| {
        let wanted = format!("uv=={UV}");
        run(Command::new("python3")
            .args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"])
            .arg(half)
            .arg(wanted))
    })?;
    Ok(program)
}

/// Debian 12's Node is too old for the CLI; npm has newer ones as packages.
fn node(tools: &Path) -> Outcome<Option<PathBuf>> {
    let major = |text: String| text.trim().trim_start_matches('v').split('.').next()?.parse::<u32>().ok();
    let present = output(Command::new("node").arg("--version")).ok().and_then(major);
    if present.is_some_and(|major| major >= NODE_MAJOR_MIN) {
        return Ok(None);
    }
    let arch = match std::env::consts::ARCH {
        "aarch64" => "arm64",
        _ => "x64",
    };
    let package = format!("node-linux-{arch}");
    let dir = tools.join(format!("node-{NODE}"));
    let bin = dir.join(format!("node_modules/{package}/bin"));
    if !bin.join("node").is_file() {
        say(&format!("== installing Node {NODE} from npm (the machine's is too old for the heroku command)"));
        in_place(&dir, |half| npm(half, &format!("{package}@{NODE}"), &[]))?;
    }
    Ok(Some(bin))
}

fn heroku(tools: &Path, path: &[PathBuf]) -> Outcome<PathBuf> {
    let dir = tools.join(format!("heroku-{HEROKU}"));
    let bin = dir.join("node_modules/.bin");
    if !bin.join("heroku").exists() {
        say(&format!("== installing the official heroku command {HEROKU} from npm (about a minute)"));
        in_place(&dir, |half| npm(half, &format!("heroku@{HEROKU}"), path))?;
    }
    Ok(bin)
}

fn npm(dir: &Path, package: &str, path: &[PathBuf]) -> Outcome {
    let old = std::env::var_os("PATH").unwrap_or_default();
    let search = std::env::join_paths(path.iter().cloned().chain(std::env::split_paths(&old))).unwrap_or(old);
    let mut npm = Command::new("npm");
    npm.env("PATH", search).args([
        "install",
        "--silent",
        "--no-fund",
        "--no-audit",
        "--ignore-scripts",
        "--prefix",
    ]);
    run(npm.arg(dir).arg(package))
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
