use super::*;

#[test]
fn a_page_of_names_is_read_whatever_else_it_tells() {
    let xml = br#"<?xml version="1.0" encoding="UTF-8"?>
        <ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><IsTruncated>true</IsTruncated>
        <EncodingType>url</EncodingType><Contents><Key>f/a+b%2B%26</Key><LastModified>2026-11-22T10:00:00.000Z</LastModified>
        <ETag>&quot;abc&quot;</ETag><Size>7</Size><Owner><ID>1</ID><DisplayName/></Owner><StorageClass>STANDARD</StorageClass>
        </Contents><CommonPrefixes><Prefix>f/a/</Prefix></CommonPrefixes><New><Thing/></New></ListBucketResult>"#;
    let found = names(xml).expect("read");
    assert!(found.is_truncated);
    let entry = Entry { size: 7, etag: "abc".into(), modified: 1_795_341_600_000_000, public: false };
    assert_eq!(
        found.items,
        [Item::Object("f/a b+&".to_owned(), entry), Item::Prefix("f/a/".to_owned())],
        "in the order of their names"
    );
    assert!(names(b"<html>").is_err());
}

#[test]
fn what_is_known_of_an_object_goes_there_and_comes_back() {
    let meta = Meta {
        key: "k".to_owned(),
        public: true,
        headers: Headers {
            content_type: Some("text/plain".to_owned()),
            cache_control: Some("no-store".to_owned()),
            ..Headers::default()
        },
        user: [("colour".to_owned(), "red".to_owned())].into(),
        sums: Sums { crc32: Some("AAAA".to_owned()), ..Sums::default() },
        ..Meta::default()
    };
    assert_eq!(described("k", &description(&meta).expect("headers")), meta);
    let sly = Meta { user: [("Hokku-public".to_owned(), "1".to_owned())].into(), ..Meta::default() };
    assert!(!described("", &description(&sly).expect("headers")).public, "a user's word is not ours");
}

#[test]
fn an_error_is_told_from_an_answer() {
    let told = told(b"<Error><Code>NoSuchKey</Code><Message>m</Message><Resource>/x</Resource></Error>");
    assert_eq!(told.map(|told| (told.code, told.message)), Some(("NoSuchKey".to_owned(), "m".to_owned())));
    assert!(super::told(b"<CopyObjectResult><ETag>x</ETag></CopyObjectResult>").is_none());
    let (body, _) = removal(&["a&<b>\t".to_owned()]);
    assert!(std::str::from_utf8(&body).expect("text").contains("<Key>a&amp;&lt;b&gt;&#9;</Key>"));
}
