//! The texts of our server's configuration files. They are wholly ours: written again at each start.

use std::net::IpAddr;
use std::path::Path;

use crate::postgres::admin::SUPERUSER;

const MIB: u64 = 1 << 20;

/// What the server can be told apart by; a change of any of it needs a restart of the server.
#[derive(Debug)]
pub(crate) struct Settings<'a> {
    pub(crate) data: &'a Path,
    pub(crate) etc: &'a Path,
    pub(crate) log: &'a Path,
    pub(crate) run: &'a Path,
    pub(crate) listen: &'a [IpAddr],
    pub(crate) port: u16,
    /// The machine's memory.
    pub(crate) ram_bytes: u64,
}

/// Name of the setting that a later start reads back.
const PORT: &str = "port = ";
/// Beginning and end of the names of the server's log files.
pub(crate) const LOG_NAME: (&str, &str) = ("postgresql-", ".log");

/// `postgresql.conf`.
pub(crate) fn server(settings: &Settings<'_>) -> String {
    let Settings { data, etc, log, run, listen, port, ram_bytes } = settings;
    let listen: Vec<String> = listen.iter().map(ToString::to_string).collect();
    let share = |part: u64, least: u64, most: u64| (ram_bytes / part).clamp(least * MIB, most * MIB) / MIB;
    let (begin, end) = LOG_NAME;
    let text = [
        "# Written by hokku at each start of the server. Changes here are lost.".to_owned(),
        format!("data_directory = {}", quoted(&data.display().to_string())),
        String::new(),
        format!("listen_addresses = {}", quoted(&listen.join(","))),
        format!("{PORT}{port}"),
        format!("unix_socket_directories = {}", quoted(&run.display().to_string())),
        "unix_socket_permissions = 0700".to_owned(),
        format!("max_connections = {}", (ram_bytes / (16 * MIB)).clamp(50, 500)),
        "superuser_reserved_connections = 5".to_owned(),
        "authentication_timeout = 30s".to_owned(),
        "password_encryption = scram-sha-256".to_owned(),
        "ssl = on".to_owned(),
        format!("ssl_cert_file = {}", quoted(&etc.join(CERTIFICATE).display().to_string())),
        format!("ssl_key_file = {}", quoted(&etc.join(KEY).display().to_string())),
        "ssl_min_protocol_version = 'TLSv1.2'".to_owned(),
        String::new(),
        "# A dyno that was killed gives its connections back soon, also from the middle of a query."
            .to_owned(),
        "tcp_keepalives_idle = 60".to_owned(),
        "tcp_keepalives_interval = 10".to_owned(),
        "tcp_keepalives_count = 3".to_owned(),
        "client_connection_check_interval = 10s".to_owned(),
        String::new(),
        format!("shared_buffers = {}MB", share(16, 32, 1024)),
        format!("effective_cache_size = {}MB", share(2, 128, 1024 * 1024)),
        "work_mem = 4MB".to_owned(),
        "maintenance_work_mem = 64MB".to_owned(),
        "temp_file_limit = 5GB".to_owned(),
        "max_wal_size = 1GB".to_owned(),
        "wal_compression = on".to_owned(),
        "random_page_cost = 1.1".to_owned(),
        "jit = off".to_owned(),
        String::new(),
        "# What apps get wrong in their SQL is for their own logs, and full of their data.".to_owned(),
        "log_min_messages = log".to_owned(),
        "log_min_error_statement = panic".to_owned(),
        "log_checkpoints = off".to_owned(),
        "log_line_prefix = '%m [%p] %d '".to_owned(),
        "log_timezone = 'UTC'".to_owned(),
        "timezone = 'UTC'".to_owned(),
        "logging_collector = on".to_owned(),
        format!("log_directory = {}", quoted(&log.display().to_string())),
        format!("log_filename = '{begin}%Y%m%d-%H%M%S{end}'"),
        "log_rotation_size = 10MB".to_owned(),
        "log_rotation_age = 1d".to_owned(),
        String::new(),
    ];
    text.join("\n")
}

/// Name of the certificate's file.
pub(crate) const CERTIFICATE: &str = "server.crt";
/// Name of the key's file.
pub(crate) const KEY: &str = "server.key";
/// Name of the file that says who may connect.
pub(crate) const ACCESS: &str = "pg_hba.conf";
/// Name of the file that says who of this machine is the superuser.
pub(crate) const IDENTITIES: &str = "pg_ident.conf";
/// Name of the main configuration file.
pub(crate) const SERVER: &str = "postgresql.conf";

/// `pg_hba.conf`: who may connect, first match first. The superuser only by the socket; everybody else only by
/// TLS and with a password.
pub(crate) fn access() -> String {
    format!(
        "# Written by hokku at each start of the server. Changes here are lost.\n\
         local   all {SUPERUSER}     peer map=hokku\n\
         hostssl all {SUPERUSER} all reject\n\
         hostssl all all      all scram-sha-256\n"
    )
}

/// `pg_ident.conf`: which users of this machine are the superuser at the socket.
pub(crate) fn identities(os_user: &str) -> String {
    let mut users = vec!["root", os_user];
    users.dedup();
    let lines: String = users.iter().map(|user| format!("hokku {user} {SUPERUSER}\n")).collect();
    format!("# Written by hokku at each start of the server. Changes here are lost.\n{lines}")
}

/// The port in a `postgresql.conf` that [`server`] made.
pub(crate) fn port_of(server: &str) -> Option<u16> {
    server.lines().find_map(|line| line.strip_prefix(PORT))?.parse().ok()
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests;
