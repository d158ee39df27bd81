//! Makes what a sender wrote fit to stand in a sentence: Slack's mrkdwn, on one line, not too long.

/// A name or a title is cut after so many characters.
const LONGEST: usize = 80;

/// The text as it reads, with nothing that Slack would take for a mention or a link.
pub(in crate::providers) fn plain(text: &str) -> String {
    shorten(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// The text in bold; nothing when it has no word. An asterisk in it would end the bold part.
pub(in crate::providers) fn bold(text: &str) -> String {
    match plain(&text.replace('*', " ")) {
        text if text.is_empty() => text,
        text => format!("*{text}*"),
    }
}

/// On one line, with single blanks, cut where it is too long.
fn shorten(text: &str) -> String {
    let cleaned: String = text
        .chars()
        .take(LONGEST * 8)
        .filter(|c| !turns_direction(*c))
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let words: Vec<&str> = cleaned.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}

/// Invisible characters by which a name could turn the rest of the sentence around.
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_sender_wrote_mentions_nobody_and_stays_on_its_line() {
        for (text, shown) in [
            (
                "<!channel> & <https://x|y>",
                "&lt;!channel&gt; &amp; &lt;https://x|y&gt;",
            ),
            (" two\r\nlines\u{0}\u{85}here ", "two lines here"),
            ("\u{202e}evil", "evil"),
            ("", ""),
        ] {
            assert_eq!(plain(text), shown);
        }
        assert_eq!(bold("a*b*"), "*a b*");
        assert_eq!(bold(" *\n"), "");
        let long = plain(&"é".repeat(10_000));
        assert_eq!(long.chars().count(), LONGEST + 1);
    }
}
