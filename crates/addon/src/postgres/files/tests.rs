use std::path::Path;

use super::{Settings, access, identities, port_of, server};

fn text(ram_bytes: u64) -> String {
    server(&Settings {
        data: Path::new("/srv/it's/data"),
        etc: Path::new("/srv/etc"),
        log: Path::new("/srv/log"),
        run: Path::new("/srv/run"),
        listen: &["10.7.0.1".parse().expect("an address"), "::1".parse().expect("an address")],
        port: 5433,
        ram_bytes,
    })
}

#[test]
fn the_settings_of_a_machine_with_four_gigabytes() {
    insta::assert_snapshot!(text(4 << 30), @r"
    # Written by hokku at each start of the server. Changes here are lost.
    data_directory = '/srv/it''s/data'

    listen_addresses = '10.7.0.1,::1'
    port = 5433
    unix_socket_directories = '/srv/run'
    unix_socket_permissions = 0700
    max_connections = 256
    superuser_reserved_connections = 5
    authentication_timeout = 30s
    password_encryption = scram-sha-256
    ssl = on
    ssl_cert_file = '/srv/etc/server.crt'
    ssl_key_file = '/srv/etc/server.key'
    ssl_min_protocol_version = 'TLSv1.2'

    # A dyno that was killed gives its connections back soon, also from the middle of a query.
    tcp_keepalives_idle = 60
    tcp_keepalives_interval = 10
    tcp_keepalives_count = 3
    client_connection_check_interval = 10s

    shared_buffers = 256MB
    effective_cache_size = 2048MB
    work_mem = 4MB
    maintenance_work_mem = 64MB
    temp_file_limit = 5GB
    max_wal_size = 1GB
    wal_compression = on
    random_page_cost = 1.1
    jit = off

    # What apps get wrong in their SQL is for their own logs, and full of their data.
    log_min_messages = log
    log_min_error_statement = panic
    log_checkpoints = off
    log_line_prefix = '%m [%p] %d '
    log_timezone = 'UTC'
    timezone = 'UTC'
    logging_collector = on
    log_directory = '/srv/log'
    log_filename = 'postgresql-%Y%m%d-%H%M%S.log'
    log_rotation_size = 10MB
    log_rotation_age = 1d
    ");
}

#[test]
fn memory_settings_follow_the_machine_within_bounds() {
    let line = |ram_bytes: u64, name: &str| {
        let text = text(ram_bytes);
        text.lines().find(|line| line.starts_with(name)).map(str::to_owned).expect("a setting")
    };
    assert_eq!(line(256 << 20, "shared_buffers"), "shared_buffers = 32MB");
    assert_eq!(line(256 << 20, "max_connections"), "max_connections = 50");
    assert_eq!(line(64 << 30, "shared_buffers"), "shared_buffers = 1024MB");
    assert_eq!(line(64 << 30, "max_connections"), "max_connections = 500");
}

#[test]
fn the_port_is_read_back() {
    assert_eq!(port_of(&text(1 << 30)), Some(5433));
    assert_eq!(port_of("listen_addresses = '*'\n"), None);
}

#[test]
fn everybody_needs_tls_and_the_superuser_the_socket() {
    insta::assert_snapshot!(access(), @r"
    # Written by hokku at each start of the server. Changes here are lost.
    local   all postgres     peer map=hokku
    hostssl all postgres all reject
    hostssl all all      all scram-sha-256
    ");
    insta::assert_snapshot!(identities("postgres"), @r"
    # Written by hokku at each start of the server. Changes here are lost.
    hokku root postgres
    hokku postgres postgres
    ");
    assert_eq!(identities("root").matches("hokku root").count(), 1);
}
