//! RFC 3339 timestamps as text: which are accepted, the form they are stored in, and how they compare.

use std::borrow::Cow;

const MAX_CHARACTERS: usize = 64;
const YEARS: std::ops::RangeInclusive<i64> = 1970..=9998;

/// The form in which a client's timestamp is stored: as it came when it is `YYYY-MM-DDTHH:MM:SS[.fraction]` with `Z`
/// or `+00:00`, otherwise rewritten to that with `+00:00`. None when it is not acceptable.
pub fn stored_form(text: &str) -> Option<Cow<'_, str>> {
    let moment = Moment::parse(text)?;
    let is_stored_form = text.as_bytes()[10] == b'T' && (text.ends_with('Z') || text.ends_with("+00:00"));
    if is_stored_form {
        return YEARS.contains(&moment.year).then_some(Cow::Borrowed(text));
    }
    let minutes = moment.days * 1440 + moment.minutes - moment.offset_minutes;
    let (year, month, day) = civil(minutes.div_euclid(1440));
    let minute = minutes.rem_euclid(1440);
    let (hour, minute, second, fraction) = (minute / 60, minute % 60, moment.second, moment.fraction);
    YEARS
        .contains(&year)
        .then(|| format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}+00:00").into())
}

/// Text that compares as the instant of a stored timestamp does, to the last fraction digit.
pub fn instant(stored: &str) -> String {
    let text = stored_form(stored).unwrap_or(Cow::Borrowed(stored));
    let text = text.strip_suffix('Z').or_else(|| text.strip_suffix("+00:00")).unwrap_or(&text);
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
    text.to_owned()
}

/// One second before a stored timestamp, but not before `not_before`.
pub fn one_second_before(stored: &str, not_before: &str) -> String {
    let text = instant(stored);
    let earlier = match Moment::parse(stored) {
        Some(moment) if moment.second > 0 => format!("{}{:02}{}", &text[..17], moment.second - 1, &text[19..]),
        Some(moment) => {
            let minutes = moment.days * 1440 + moment.minutes - 1;
            let ((year, month, day), minute) = (civil(minutes.div_euclid(1440)), minutes.rem_euclid(1440));
            let (hour, minute) = (minute / 60, minute % 60);
            format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:59{}", &text[19..])
        }
        None => text,
    };
    format!("{}+00:00", earlier.max(instant(not_before)))
}

/// Writes this machine's time as RFC 3339 text in UTC; the text of the second is kept, because it is asked for often.
pub struct UtcText {
    second: u64,
    text: [u8; UTC_BYTES],
}

pub const UTC_BYTES: usize = 32;

impl UtcText {
    pub fn new() -> UtcText {
        UtcText { second: u64::MAX, text: *b"1970-01-01T00:00:00.000000+00:00" }
    }

    /// `micros` since 1970, with microseconds and `+00:00`.
    pub fn format(&mut self, micros: u64) -> [u8; UTC_BYTES] {
        let second = micros / 1_000_000;
        if second != self.second {
            self.second = second;
            let (year, month, day) = civil((second / 86400) as i64);
            let (hour, minute, second) = (second / 3600 % 24, second / 60 % 60, second % 60);
            let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
            self.text[..19].copy_from_slice(text.as_bytes());
        }
        let mut rest = micros % 1_000_000;
        for digit in self.text[20..26].iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        self.text
    }
}

struct Moment<'a> {
    year: i64,
    days: i64,
    minutes: i64,
    second: i64,
    /// With its point, or empty.
    fraction: &'a str,
    offset_minutes: i64,
}

impl Moment<'_> {
    /// RFC 3339 section 5.6, with `t`, `z` and a space for `T` by its notes and second 60 by section 5.7.
    fn parse(text: &str) -> Option<Moment<'_>> {
        let bytes = text.as_bytes();
        if !(20..=MAX_CHARACTERS).contains(&bytes.len()) || !text.is_ascii() {
            return None;
        }
        let punctuated = bytes[4] == b'-' && bytes[7] == b'-' && bytes[13] == b':' && bytes[16] == b':';
        if !punctuated || !matches!(bytes[10], b'T' | b't' | b' ') {
            return None;
        }
        let year = number(bytes, 0, 4, 9999)?;
        let (month, day) = (number(bytes, 5, 2, 12)?, number(bytes, 8, 2, 31)?);
        let (hour, minute) = (number(bytes, 11, 2, 23)?, number(bytes, 14, 2, 59)?);
        let second = number(bytes, 17, 2, 60)?;
        let days = days(year, month, day);
        if year == 0 || civil(days) != (year, month, day) {
            return None;
        }
        let mut end = 19;
        if bytes[end] == b'.' {
            end += 1 + bytes[20..].iter().take_while(|b| b.is_ascii_digit()).count();
            if end == 20 {
                return None;
            }
        }
        let offset_minutes = offset(&bytes[end..])?;
        let fraction = &text[19..end];
        Some(Moment { year, days, minutes: hour * 60 + minute, second, fraction, offset_minutes })
    }
}

fn offset(zone: &[u8]) -> Option<i64> {
    match zone {
        b"Z" | b"z" => Some(0),
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let minutes = number(zone, 1, 2, 23)? * 60 + number(zone, 4, 2, 59)?;
            Some(if *sign == b'-' { -minutes } else { minutes })
        }
        _ => None,
    }
}

fn number(bytes: &[u8], at: usize, digits: usize, most: i64) -> Option<i64> {
    let mut value = 0;
    for byte in &bytes[at..at + digits] {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(byte - b'0');
    }
    (value <= most).then_some(value)
}

/// Days from 1970-01-01 to a day of the Gregorian calendar; years are counted from March, so that the leap day is last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    era * 146_097 + year * 365 + year / 4 - year / 100 + day_of_year - 719_468
}

/// The inverse of `days`.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let (day, month) = (day_of_year - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    (year + era * 400 + i64::from(month <= 2), month, day)
}
