use super::read;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAMo+WrDywxj2eklb8CF8cQR9LKCjL0MudMbGi3TFGiI";

#[test]
fn a_key_is_read_as_ssh_keygen_reads_it() {
    let found = read(&format!("{KEY}   jane@laptop \n")).expect("a key");
    assert_eq!(found.public_key, format!("{KEY} jane@laptop"));
    assert_eq!(found.comment, "jane@laptop");
    // What `ssh-keygen -l` printed for it.
    assert_eq!(found.fingerprint, "SHA256:Gw7/2mbdrGtBoGWe8P4gUGKpki37Qc0yfm3VRbq95BQ");
    assert_eq!(read(KEY).expect("a key").comment, "");
}

#[test]
fn what_is_no_key_is_refused() {
    let (_, encoded) = KEY.split_once(' ').expect("two words");
    let long = format!("{KEY} {}", "x".repeat(9_000));
    let wrong = [
        "".to_owned(),
        "ssh-ed25519".to_owned(),
        "ssh-ed25519 AAAA".to_owned(),
        "ssh-ed25519 !!!".to_owned(),
        format!("ssh-rsa {encoded}"),
        format!("{KEY} a\nssh-rsa b"),
        long,
        "-----BEGIN OPENSSH PRIVATE KEY-----".to_owned(),
    ];
    for text in wrong {
        assert!(read(&text).is_err(), "{text}");
    }
}
