use super::{PLANS, generated_name, plan};

#[test]
fn plans_are_found_by_the_names_people_type() {
    let name = |text| plan(text).map(super::Plan::full_name);
    assert_eq!(name("heroku-postgresql").as_deref(), Some("heroku-postgresql:mini"));
    assert_eq!(name("heroku-postgresql:hobby-dev").as_deref(), Some("heroku-postgresql:mini"));
    assert_eq!(name("heroku-postgresql:standard-0").as_deref(), Some("heroku-postgresql:standard-0"));
    assert_eq!(name("heroku-postgresql:nope"), None);
    assert_eq!(name("mongolab"), None);
    for each in &PLANS {
        assert_eq!(plan(&each.full_name()), Some(each));
    }
}

#[test]
fn names_are_made_of_the_service_a_word_and_five_digits() {
    assert_eq!(generated_name(&PLANS[0], 0), "postgresql-amber-10000");
    assert_eq!(generated_name(&PLANS[0], u64::MAX), "postgresql-warm-31615");
}
