use super::display;

#[test]
fn sizes_read_as_heroku_prints_them() {
    const MIB: u64 = 1024 * 1024;
    for (bytes, printed) in [
        (0, "0B"),
        (646, "646B"),
        (1023, "1023B"),
        (1024, "1K"),
        (1536, "1.5K"),
        (79 * MIB, "79M"),
        (91_540_685, "87.3M"),
        (1024 * MIB - 1, "1G"),
        (3_435_973_837, "3.2G"),
        (u64::MAX, "16777216T"),
    ] {
        assert_eq!(display(bytes), printed, "{bytes}");
    }
}
