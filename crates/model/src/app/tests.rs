use super::{AppName, BadAppName};

#[test]
fn names_follow_herokus_rule() {
    for good in ["abc", "a1b", "my-app-2", "a23456789012345678901234567890"] {
        assert_eq!(good.parse::<AppName>().map(|name| name.to_string()).as_deref(), Ok(good));
    }
    let table = [
        ("ab", BadAppName::TooShort),
        ("a234567890123456789012345678901", BadAppName::TooLong),
        ("1ab", BadAppName::BadCharacter),
        ("ab-", BadAppName::BadCharacter),
        ("Abc", BadAppName::BadCharacter),
        ("a_b", BadAppName::BadCharacter),
        ("a.b.c", BadAppName::BadCharacter),
        ("größe", BadAppName::BadCharacter),
        ("api", BadAppName::Reserved),
    ];
    for (bad, why) in table {
        assert_eq!(bad.parse::<AppName>(), Err(why), "{bad}");
    }
}

proptest::proptest! {
    #[test]
    fn every_generated_name_is_a_name(seed: u64) {
        let name = AppName::generated(seed);
        proptest::prop_assert_eq!(name.as_str().parse::<AppName>(), Ok(name.clone()));
    }
}
