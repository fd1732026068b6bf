use super::{DynoSize, ProcessType, Quantity};

#[test]
fn sizes_are_found_in_any_spelling_people_use() {
    for (text, size) in [
        ("basic", DynoSize::Basic),
        ("Standard-2X", DynoSize::Standard2X),
        ("standard-1x", DynoSize::Standard1X),
        ("2x", DynoSize::Standard2X),
        ("PERFORMANCE-L", DynoSize::PerformanceL),
    ] {
        assert_eq!(text.parse(), Ok(size));
    }
    assert!("huge".parse::<DynoSize>().is_err());
}

#[test]
fn quantities_are_absolute_or_relative() {
    let after = |text: &str, present| text.parse::<Quantity>().map(|quantity| quantity.applied_to(present));
    assert_eq!(after("3", 1), Ok(3));
    assert_eq!(after("+2", 1), Ok(3));
    assert_eq!(after("-2", 1), Ok(0));
    for bad in ["", "+", "x", "1.5", "-99999999999"] {
        assert!(bad.parse::<Quantity>().is_err(), "{bad}");
    }
}

#[test]
fn process_types_have_a_limit() {
    assert!("a".repeat(63).parse::<ProcessType>().is_ok());
    assert!("a".repeat(64).parse::<ProcessType>().is_err());
    assert!("web 1".parse::<ProcessType>().is_err());
}
