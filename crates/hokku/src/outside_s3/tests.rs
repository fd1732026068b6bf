use std::os::unix::fs::PermissionsExt;

use clap::Parser;

use super::*;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: ServerArgs,
}

fn args(more: &[&str]) -> Result<ServerArgs, clap::Error> {
    Cli::try_parse_from(["hokku"].iter().chain(more)).map(|cli| cli.args)
}

fn keys(text: &str, mode: u32) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), text).expect("written");
    fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).expect("set");
    file
}

#[test]
fn keys_are_read_as_variables_and_as_amazons_file() {
    for text in [
        "# of the shop\nAWS_ACCESS_KEY_ID=AK\nAWS_SECRET_ACCESS_KEY=se/cr=et\n",
        "[default]\naws_access_key_id = AK\naws_secret_access_key = se/cr=et\n",
    ] {
        let (access_key, secret_key) = read(keys(text, 0o600).path()).expect("keys");
        assert_eq!((access_key.as_str(), secret_key.expose_secret()), ("AK", "se/cr=et"));
    }
    for text in ["", "AWS_ACCESS_KEY_ID=AK\n", "AWS_ACCESS_KEY_ID=AK\nAWS_SECRET_ACCESS_KEY=\n"] {
        let error = read(keys(text, 0o600).path()).expect_err("refused").to_string();
        assert!(error.contains("two lines"), "{error}");
    }
}

#[test]
fn keys_that_others_may_read_are_refused() {
    let url = "https://s3.example.com/bucket";
    let of = |file: &Path| OutsideFile::of(&args(&["--s3-url", url, "--s3-keys", &file.to_string_lossy()])?);
    let open = keys("", 0o640);
    let error = of(open.path()).expect_err("refused").to_string();
    assert!(error.contains("chmod 600"), "{error}");
    let outside = of(keys("", 0o600).path()).expect("read").expect("told");
    assert_eq!(outside.url, url);
    assert_eq!(OutsideFile::of(&args(&[]).expect("no options")).expect("read"), None);
    assert!(args(&["--s3-url", url]).is_err(), "keys are needed");
}
