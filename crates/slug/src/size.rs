//! Sizes as Heroku prints them after `Done: `.

/// Formats a number of bytes: 1024-based, one decimal, `.0` dropped (`646B`, `79M`, `87.3M`, `3.2G`).
///
/// The form is the one seen in transcripts of real pushes; a value that rounds up to 1024 of a unit is
/// printed as 1 of the next.
#[must_use]
pub fn display(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["K", "M", "G", "T"];
    if bytes < 1024 {
        return format!("{bytes}B");
    }
    // Tenths in integers, so that 1023.95 K is not printed as `1024K`.
    let mut unit_bytes: u128 = 1024;
    let mut unit = 0;
    let tenths = |unit_bytes: u128| (u128::from(bytes) * 10 + unit_bytes / 2) / unit_bytes;
    while tenths(unit_bytes) >= 10_240 && unit + 1 < UNITS.len() {
        unit_bytes *= 1024;
        unit += 1;
    }
    let tenths = tenths(unit_bytes);
    match tenths % 10 {
        0 => format!("{}{}", tenths / 10, UNITS[unit]),
        decimal => format!("{}.{decimal}{}", tenths / 10, UNITS[unit]),
    }
}

#[cfg(test)]
mod tests;
