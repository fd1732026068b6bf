use super::{PLANS, plan};

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
