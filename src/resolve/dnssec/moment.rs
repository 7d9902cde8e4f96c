//! Moments of signatures in words: RFC 3339, and how long ago or ahead.

/// Seconds of a day.
const DAY: i64 = 86_400;

/// Seconds since 1970 of a 32-bit serial time that is within 68 years of `now` (RFC 4034 §3.1.5).
pub(super) fn absolute(serial: u32, now: u64) -> i64 {
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let low = u32::try_from(now & 0xffff_ffff).expect("it was cut to 32 bits");
    now + i64::from(serial.wrapping_sub(low).cast_signed())
}

/// `2026-11-25T19:00:00Z` (years are counted as in Howard Hinnant's `civil_from_days`).
pub(super) fn rfc3339(seconds: i64) -> String {
    let (days, second) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// `3 days`, `5 h`, `40 min`, `12 s`: one unit, rounded down.
pub(super) fn span(seconds: i64) -> String {
    match seconds.abs() {
        s @ 172_800.. => format!("{} days", s / DAY),
        s @ 7_200.. => format!("{} h", s / 3_600),
        s @ 120.. => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_in_the_gregorian_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_440_021_600, "2015-08-19T22:00:00Z"),
            (4_294_967_296, "2106-02-07T06:28:16Z"),
            (-1, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(seconds), text);
        }
    }

    #[test]
    fn a_serial_time_is_the_one_nearest_to_now() {
        let wrap = 1_u64 << 32;
        assert_eq!(absolute(10, 20), 10);
        assert_eq!(absolute(10, wrap - 10), 4_294_967_306);
        assert_eq!(absolute(u32::MAX, wrap + 5), 4_294_967_295);
    }

    #[test]
    fn spans_have_one_unit() {
        let texts = [0, 119, 120, 7_200, 172_800, -300_000].map(span);
        assert_eq!(texts, ["0 s", "119 s", "2 min", "2 h", "2 days", "3 days"]);
    }
}
