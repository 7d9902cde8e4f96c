//! The known word nearest to a misspelt one, for suggestions.

/// The candidate with the fewest edits, if it is near enough to be what was meant: one edit for
/// short words, two from six letters on. Of a tie the same first letter wins, then the first.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    /// Beyond this nobody misspelt a known word, and the comparison would cost too much.
    const LONGEST: usize = 32;
    if word.len() > LONGEST {
        return None;
    }
    let limit = if word.chars().count() < 6 { 1 } else { 2 };
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|&(edits, candidate)| edits <= limit && edits < candidate.len())
        .min_by_key(|&(edits, candidate)| (edits, candidate.chars().next() != word.chars().next()))
        .map(|(_, candidate)| candidate)
}

/// Optimal string alignment distance: insertions, deletions, substitutions, swapped neighbours.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut row = vec![i + 1];
        for j in 0..b.len() {
            let change = last[j] + usize::from(a[i] != b[j]);
            let mut best = change.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_a_swap_as_one_edit() {
        assert_eq!(distance("htpp", "http"), 1);
        assert_eq!(distance("hptt", "http"), 2);
        assert_eq!(distance("", "abc"), 3);
    }

    #[test]
    fn suggests_only_what_is_near() {
        let known = ["ftps", "http", "https", "ssh", "x"];
        assert_eq!(nearest("htps", known), Some("https"));
        assert_eq!(nearest("postgres", known), None);
        assert_eq!(nearest("y", known), None);
    }
}
