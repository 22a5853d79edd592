//! Numbers and times as a person at the line reads them, and cells of a given width.

/// Digits between two separators.
const GROUP: usize = 3;

/// A count with a comma between thousands.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(GROUP) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A rate without its fraction.
pub(super) fn rate(per_hour: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is small and not negative")]
    let whole = per_hour.round().clamp(0.0, 1e12) as u64;
    count(whole)
}

/// A time of so many seconds, in its two largest units.
pub(super) fn period(seconds: u64) -> String {
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    match (hours, minutes) {
        (0, 0) => format!("{seconds} s"),
        (0, _) => format!("{minutes} min {:02} s", seconds % 60),
        (hours, _) => format!("{hours} h {:02} min", minutes % 60),
    }
}

/// How long a card took: `0.9s`, `12s`.
pub(super) fn took(millis: u64) -> String {
    let tenths = millis / 100;
    if tenths < 100 { format!("{}.{}s", tenths / 10, tenths % 10) } else { format!("{}s", millis / 1000) }
}

/// A text of at most so many characters, its end cut off.
pub(super) fn cut(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    text.chars().take(chars_max.saturating_sub(1)).chain(['…']).collect()
}

/// A name of at most so many characters, cut in its middle: names of readers differ at their ends.
pub(super) fn cut_middle(text: &str, chars_max: usize) -> String {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() <= chars_max {
        return text.to_owned();
    }
    let tail = chars_max.saturating_sub(1) / 2;
    let head = chars_max.saturating_sub(tail + 1);
    chars.iter().take(head).chain(['…'].iter()).chain(chars.iter().skip(chars.len() - tail)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_times_and_names() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0.4, 999.5, -1.0, f64::NAN].map(rate), ["0", "1,000", "0", "0"]);
        assert_eq!([0, 59, 113, 3599, 7500].map(period), ["0 s", "59 s", "1 min 53 s", "59 min 59 s", "2 h 05 min"]);
        assert_eq!([0, 940, 9_999, 12_345].map(took), ["0.0s", "0.9s", "9.9s", "12s"]);
        assert_eq!((cut("abcdef", 6), cut("abcdef", 4)), ("abcdef".to_owned(), "abc…".to_owned()));
        assert_eq!(cut_middle("ACS ACR1252 Reader 00 01", 11), "ACS A…00 01");
        assert_eq!((cut_middle("ab", 1), cut("ab", 0)), ("…".to_owned(), "…".to_owned()));
    }
}
