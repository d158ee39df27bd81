//! Reads the amounts out of a salary, which is whatever people write: "$90k", "52–58k €", "90,000 - 110,000".

/// The least and the greatest amount that is written; both are the same when there is one. In whatever
/// currency, for whatever time.
pub(super) fn range(text: &str) -> Option<(f64, f64)> {
    let amounts = amounts(text);
    let min = amounts.iter().copied().reduce(f64::min)?;
    let max = amounts.iter().copied().reduce(f64::max)?;
    Some((min, max))
}

/// Every amount, with a `k` after the last of a range meant for all of it.
fn amounts(text: &str) -> Vec<f64> {
    let mut amounts: Vec<(f64, bool)> = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        rest = &rest[start..];
        let is_part =
            |c: char| c.is_ascii_digit() || matches!(c, ',' | '.' | '\'' | '\u{a0}' | '\u{202f}');
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        rest = after;
        let thousands = after.trim_start().starts_with(['k', 'K']);
        if let Some(number) = number_of(number) {
            amounts.push((number, thousands));
        }
    }
    let mut in_thousands = false;
    let mut found = Vec::new();
    for (number, thousands) in amounts.into_iter().rev() {
        in_thousands = thousands || in_thousands && number < 1000.0;
        let amount = if in_thousands {
            number * 1000.0
        } else {
            number
        };
        // "13th month", "401k match" and the like are smaller or stand beside something larger.
        if amount.is_finite() && amount >= 1.0 {
            found.push(amount);
        }
    }
    let largest = found.iter().copied().fold(0.0, f64::max);
    found.retain(|amount| *amount * 10.0 >= largest);
    found
}

/// Separators of thousands are left out; one with one or two digits after it is a decimal point.
fn number_of(text: &str) -> Option<f64> {
    let text = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let (whole, fraction) = match text.rsplit_once(['.', ',']) {
        Some((whole, fraction)) if fraction.len() < 3 => (whole, fraction),
        _ => (text, ""),
    };
    let digits: String = whole.chars().filter(char::is_ascii_digit).collect();
    if digits.len() > 12 {
        return None;
    }
    format!("{digits}.{fraction}0").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_write_salaries_in_many_ways() {
        for (text, amounts) in [
            ("$90k", Some((90_000.0, 90_000.0))),
            ("$90,000", Some((90_000.0, 90_000.0))),
            ("90,000 - 110,000 USD", Some((90_000.0, 110_000.0))),
            ("52–58k € + 13th month", Some((52_000.0, 58_000.0))),
            ("€70.000", Some((70_000.0, 70_000.0))),
            ("CHF 120'000", Some((120_000.0, 120_000.0))),
            ("$45.50/hr", Some((45.5, 45.5))),
            ("120K + equity", Some((120_000.0, 120_000.0))),
            ("competitive", None),
            ("", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(range(text), amounts, "{text}");
        }
    }
}
