use super::{control_unavailable, failure, no_such_app, refused};
use crate::failure::Failure;

#[test]
fn the_pages() {
    let pages = [
        failure(Failure::AppCrashed, None),
        failure(Failure::Maintenance, None),
        failure(Failure::Blank, None),
        no_such_app(),
        control_unavailable(),
    ];
    let text: String =
        pages.iter().map(|page| page.render(false, true).replace('\r', "") + "\n~~~\n").collect();
    insta::assert_snapshot!(text);
}

#[test]
fn a_page_of_the_apps_own_is_framed_and_cannot_break_out() {
    let page = failure(Failure::AppCrashed, Some("//s3.example/e.html?a=1&b=\"><script>"));
    insta::assert_snapshot!(page.body);
}

#[test]
fn nothing_is_loaded_from_elsewhere() {
    let of = |failure_| failure(failure_, None).body;
    for body in [
        of(Failure::AppCrashed),
        of(Failure::Maintenance),
        of(Failure::Blank),
        no_such_app().body,
        refused(400).body,
    ] {
        assert!(!body.contains("//"), "{body}");
        assert!(!body.contains("src=") && !body.contains("<link") && !body.contains("<script"), "{body}");
    }
}

#[test]
fn a_head_request_gets_the_length_without_the_body() {
    let page = no_such_app();
    let text = page.render(true, false);
    assert!(text.ends_with("Connection: close\r\n\r\n"));
    assert!(text.contains(&format!("Content-Length: {}\r\n", page.body.len())));
}
