//! A life as a job: which layers, which environment, which limits.

use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};

use model::dyno::{ATTACH_TIMEOUT, DynoKind, STOP_GRACE};
use oci::layers::LayersError;
use oci::network::Lease;
use oci::spec::{Limits, Spec, Upper, Window};
use rand::Rng;
use slug::manifest::{BadManifest, Manifest};

use super::Inner;
use crate::engine::{Life, Terminal};
use crate::job::{self, Job};

/// The user of every dyno, inside.
const UID: u32 = 1000;
/// Where the app lives.
const HOME: &str = "/app";
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";
/// Ports handed out as `$PORT`; any is free, since every dyno has a network of its own.
const PORTS: std::ops::Range<u16> = 10_000..60_000;
const NOFILE_MAX: u64 = 10_000;
/// Hard memory limit in quotas: between one and two a dyno gets R14, above it R15.
const HARD_LIMIT_TIMES: u64 = 2;
const MIB: u64 = 1 << 20;

/// What bash does before the command: the buildpack's and the app's own settings, as on Heroku.
const BOOT: &str = r#"cd "$HOME" || exit 1
for script in .profile.d/*.sh; do [ -r "$script" ] && . "./$script"; done
[ -r .profile ] && . ./.profile
unset script
exec /bin/bash -c "$1""#;

/// A slug that cannot be run.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadSlug {
    #[error("its manifest cannot be read")]
    Manifest(#[from] BadManifest),
    #[error("its layer {path} is missing")]
    Layer { path: PathBuf },
    #[error(transparent)]
    Mount(#[from] LayersError),
}

/// Makes the job.
pub(super) fn job(inner: &Inner, life: &Life, lease: &Lease, dir: &Path) -> Result<Job, BadSlug> {
    let address = SocketAddrV4::new(lease.ip, rand::rng().random_range(PORTS));
    let transcript = life.transcript.as_ref().map(|id| (inner.config.transcripts_dir.clone(), id.clone()));
    Ok(Job {
        app: life.app.to_string(),
        dyno: life.name.to_string(),
        life: life.number,
        command: shown(&life.command, address.port()),
        formation: life.kind == DynoKind::Formation,
        web: life.web,
        address,
        boot_timeout: inner.config.boot_timeout,
        stop_grace: STOP_GRACE,
        attach_within: life.attach.map(|_| ATTACH_TIMEOUT),
        memory_bytes: life.size.memory_mib() * MIB,
        container: container(inner, life, lease, dir, address.port())?,
        spool_dir: inner.config.spool_dir.clone(),
        transcript,
    })
}

fn container(inner: &Inner, life: &Life, lease: &Lease, dir: &Path, port: u16) -> Result<Spec, BadSlug> {
    let manifest = Manifest::from_json(&life.manifest)?;
    let stack = inner.config.stack_layers.iter().cloned();
    let own = manifest.layers.iter().map(|layer| inner.blobs.path(&layer.digest));
    let layers: Vec<PathBuf> = stack.chain(own).collect();
    if let Some(path) = layers.iter().find(|path| !path.exists()) {
        return Err(BadSlug::Layer { path: path.clone() });
    }
    let command = ["/usr/bin/tini", "--", "/bin/bash", "-c", BOOT, "bash", &life.command];
    Ok(Spec {
        // The whole UUID and the life: unique among all containers of this server, ever.
        id: format!("{}-{}", life.dyno, life.number),
        state_dir: dir.join(job::BOX),
        layers: layers.iter().map(|image| inner.config.layers.layer(image)).collect::<Result<_, _>>()?,
        upper: Upper::Dir(dir.join(job::BOX).join("writable")),
        binds: inner.config.binds.clone(),
        argv: command.map(str::to_owned).to_vec(),
        env: environment(inner, life, port),
        cwd: HOME.into(),
        uid: UID,
        gid: UID,
        id_base: lease.id_base(),
        hostname: life.dyno.to_string(),
        netns: Some(lease.netns.clone()),
        limits: Limits {
            memory_bytes: HARD_LIMIT_TIMES * life.size.memory_mib() * MIB,
            memory_shown_bytes: life.size.memory_mib() * MIB,
            cpu_shares: life.size.cpu_shares(),
            cpu_quota_percent: None,
            pids: life.size.threads_max(),
            nofile: NOFILE_MAX,
        },
        terminal: match life.attach {
            Some(Terminal::Sized { columns, rows }) => Some(Window { columns, rows }),
            Some(Terminal::None) | None => None,
        },
        writable: vec![HOME.into()],
        cgroup_parent: inner.config.cgroup_parent.clone(),
    })
}

/// Config vars first; what the platform sets comes last and wins.
fn environment(inner: &Inner, life: &Life, port: u16) -> Vec<(String, String)> {
    let base = inner.config.env.iter().cloned();
    let own = life.env.iter().map(|(name, value)| (name.clone(), value.expose_secret().to_owned()));
    let mut platform = vec![
        ("HOME".to_owned(), HOME.to_owned()),
        ("DYNO".to_owned(), life.name.to_string()),
        ("PORT".to_owned(), port.to_string()),
    ];
    if matches!(life.attach, Some(Terminal::Sized { .. })) {
        let prompt = r"\[\033[01;34m\]\w\[\033[00m\] \[\033[01;32m\]$ \[\033[00m\]".to_owned();
        platform.push(("PS1".to_owned(), prompt));
    }
    let mut env = vec![("PATH".to_owned(), PATH.to_owned())];
    for (name, value) in base.chain(own).chain(platform) {
        env.retain(|(known, _)| *known != name);
        env.push((name, value));
    }
    env
}

/// The command as the log shows it. Only `$PORT` is filled in: other variables may be secrets.
fn shown(command: &str, port: u16) -> String {
    let port = port.to_string();
    command.replace("${PORT}", &port).replace("$PORT", &port)
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_logged_command_tells_the_port_and_no_secret() {
        assert_eq!(shown("serve -p $PORT --db $DATABASE_URL", 12_345), "serve -p 12345 --db $DATABASE_URL");
        assert_eq!(shown("serve ${PORT}", 12_345), "serve 12345");
    }
}
