use super::{BUCKETEER, PLANS, POSTGRES, config_keys, generated_name, plan};

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

#[test]
fn a_second_bucket_leaves_the_first_ones_vars_alone() {
    let keys = |service, attachment| {
        let keys = config_keys(service, attachment).expect("keys");
        keys.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(keys(POSTGRES, "DATABASE"), ["DATABASE_URL"]);
    let first = keys(BUCKETEER, "BUCKETEER");
    let second = keys(BUCKETEER, "BUCKETEER_BLUE");
    assert_eq!((first.len(), second.len()), (13, 5));
    assert!(first.contains(&"AWS_STORAGE_BUCKET_NAME".to_owned()));
    assert!(first.contains(&"BUCKETEER_BUCKET_NAME".to_owned()));
    assert!(second.iter().all(|key| key.starts_with("BUCKETEER_BLUE_") && !first.contains(key)));
    assert_eq!(config_keys(BUCKETEER, "BAD NAME"), None);
}
