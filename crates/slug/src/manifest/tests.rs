use std::collections::BTreeMap;

use super::{LayerRef, Manifest, SLUG_BYTES_MAX};
use crate::digest::Digest;

fn manifest(bytes: [u64; 2]) -> Manifest {
    Manifest {
        stack: "hokku-12".to_owned(),
        layers: bytes.map(|bytes| LayerRef { digest: Digest::of(b"layer"), bytes }).to_vec(),
        process_types: BTreeMap::from([("web".to_owned(), "gunicorn app".to_owned())]),
    }
}

#[test]
fn a_manifest_survives_its_json() {
    let written = manifest([10, 20]);
    insta::assert_snapshot!(written.to_json(), @r#"{"stack":"hokku-12","layers":[{"digest":"dac1d7cfa95021764849fd102524e141488c5e3a90f861dbb5a12d9ac8584f85","bytes":10},{"digest":"dac1d7cfa95021764849fd102524e141488c5e3a90f861dbb5a12d9ac8584f85","bytes":20}],"process_types":{"web":"gunicorn app"}}"#);
    let read = Manifest::from_json(&written.to_json()).expect("own text is readable");
    assert_eq!(read, written);
    assert_eq!(read.checksum(), written.checksum());
}

#[test]
fn unknown_or_misshapen_text_is_refused() {
    for text in [
        "",
        "{}",
        r#"{"stack":"s","layers":[{"digest":"../../etc/passwd","bytes":1}],"process_types":{}}"#,
        r#"{"stack":"s","layers":[],"process_types":{},"later_field":1}"#,
    ] {
        assert!(Manifest::from_json(text).is_err(), "{text}");
    }
}

#[test]
fn the_limit_is_on_the_sum_of_the_layers() {
    assert_eq!(manifest([3, 4]).total_bytes(), 7);
    assert!(!manifest([SLUG_BYTES_MAX - 1, 1]).is_too_large());
    assert!(manifest([SLUG_BYTES_MAX, 1]).is_too_large());
}
