use super::{Census, differences, told};

fn census(tables: &[(&str, u64)]) -> Census {
    tables.iter().map(|(name, rows)| ((*name).to_owned(), *rows)).collect()
}

#[test]
fn what_is_there_is_told_in_a_few_words() {
    assert_eq!(told(&census(&[])), "0 tables with 0 rows");
    assert_eq!(told(&census(&[("public.a", 1)])), "1 table with 1 row");
    let all = census(&[("public.a", 10), ("public.b", 5), ("large objects", 1)]);
    assert_eq!(told(&all), "2 tables with 15 rows and 1 large object");
}

#[test]
fn every_difference_is_found_and_the_first_are_told() {
    let wanted = census(&[("a", 1), ("b", 2), ("c", 3)]);
    assert_eq!(differences(&wanted, &wanted), Vec::<String>::new());
    let found = census(&[("a", 1), ("b", 1), ("d", 3)]);
    assert_eq!(differences(&wanted, &found), ["b has 1 of 2 rows", "c is missing", "d should not be there"]);
    let many: Census = (0..9).map(|number| (format!("t{number}"), 1)).collect();
    let told = differences(&many, &Census::new());
    assert_eq!((told.len(), told.last().map(String::as_str)), (6, Some("and 4 more")));
}
