//! Patterns of answers.

/// Whether an answer in upper-case hex matches: hex digits, `..` for any byte, `*` for any number of bytes.
pub(crate) fn matches(pattern: &str, answer: &str) -> bool {
    let (head, rest) = pattern.split_once('*').map_or((pattern, None), |(head, rest)| (head, Some(rest)));
    let Some((begin, end)) = answer.split_at_checked(head.len()) else { return false };
    let is_begun = head.chars().zip(begin.chars()).all(|(wanted, found)| wanted == '.' || wanted == found);
    match rest {
        _ if !is_begun => false,
        None => end.is_empty(),
        Some(rest) => (0..=end.len()).step_by(2).any(|skipped| matches(rest, &end[skipped..])),
    }
}

#[test]
fn wildcards() {
    for (pattern, answer) in
        [("9000", "9000"), ("..9000", "AB9000"), ("*9000", "9000"), ("6F*84..A0*9000", "6F0A8408A0019000")]
    {
        assert!(matches(pattern, answer), "{pattern} {answer}");
    }
    for (pattern, answer) in [("9000", "AB9000"), ("..", ""), ("*9000", "6A82"), ("90", "9000"), ("9000*", "90")] {
        assert!(!matches(pattern, answer), "{pattern} {answer}");
    }
}
