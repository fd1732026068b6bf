use super::{Offered, select};

const CONTENTS: &str = "\
;
; Archive created at 2026-11-22 18:24:49 UTC
;     dbname: d3kq
;
; Selected TOC Entries:
;
5; 2615 2200 SCHEMA - public pg_database_owner
9; 2615 16400 SCHEMA - heroku_ext u81
2; 3079 16390 EXTENSION - hstore 
3446; 0 0 COMMENT - EXTENSION hstore 
3; 3079 16400 EXTENSION - pg_stat_statements 
4; 3079 16410 EXTENSION - postgis 
1; 3079 12345 EXTENSION - plpgsql 
7; 3079 12345 EXTENSION - citext 
216; 1259 16520 TABLE public a table with spaces u81
3447; 0 16520 TABLE DATA public a table with spaces u81
3500; 3466 17000 EVENT TRIGGER - etag postgres
3502; 3466 17001 EVENT TRIGGER - hokku_guard postgres
3501; 0 0 COMMENT - EVENT TRIGGER etag postgres
3448; 0 0 COMMENT - SCHEMA public u81
";

#[test]
fn what_a_role_cannot_make_and_the_data_do_not_need_is_left_out() {
    let offered: Offered = [("hstore", true), ("pg_stat_statements", false), ("citext", true)]
        .into_iter()
        .map(|(name, trusted)| (name.to_owned(), trusted))
        .collect();
    let selection = select(CONTENTS, &offered, &["citext".to_owned()]);
    insta::assert_snapshot!(selection.list, @r"
    9; 2615 16400 SCHEMA - heroku_ext u81
    2; 3079 16390 EXTENSION - hstore 
    216; 1259 16520 TABLE public a table with spaces u81
    3447; 0 16520 TABLE DATA public a table with spaces u81
    3448; 0 0 COMMENT - SCHEMA public u81
    ");
    insta::assert_snapshot!(selection.left_out.join("\n"), @r"
    the extension pg_stat_statements (only a superuser can make it)
    the extension postgis (this server does not offer it)
    the event trigger etag (only a superuser can make it)
    ");
    assert!(selection.has_extensions && selection.makes_schema("heroku_ext"));
    assert!(!selection.makes_schema("other"));
}

#[test]
fn an_empty_database_has_nothing_to_select() {
    let selection = select(";\n; Selected TOC Entries:\n;\n", &Offered::new(), &[]);
    assert_eq!((selection.list.as_str(), selection.left_out.len()), ("", 0));
}
