use super::{ConfigKey, ConfigVars, Secret, bytes};

#[test]
fn keys_are_shell_names_outside_the_platforms_prefixes() {
    for good in ["A", "DEBUG", "_x", "lower_9", "HEROKU"] {
        assert!(good.parse::<ConfigKey>().is_ok(), "{good}");
    }
    for bad in ["", "9A", "A-B", "A B", "A=B", "ä", "HEROKU_X", "__X"] {
        assert!(bad.parse::<ConfigKey>().is_err(), "{bad}");
    }
    assert!(ConfigKey::of_platform("HEROKU_POSTGRESQL_BLUE_URL").is_ok());
}

#[test]
fn a_secret_never_prints() {
    let secret = Secret::from("hunter2");
    assert_eq!(format!("{secret} {secret:?}"), "[redacted] [redacted]");
    assert_eq!(secret.expose_secret(), "hunter2");
}

#[test]
fn the_size_counts_keys_and_values() {
    let key: ConfigKey = "KEY".parse().expect("a key");
    assert_eq!(bytes(&ConfigVars::from([(key, Secret::from("value"))])), 8);
}
