//! Comparing texts of thousands of lines, where a whole difference would be read by nobody.

/// Fails with the first line that differs.
#[track_caller]
pub fn assert_same_text(found: &str, expected: &str, what: &str) {
    if let Some(difference) = first_difference(found, expected) {
        panic!("{what}, {difference}");
    }
}

/// The first line that differs, for a message.
pub fn first_difference(found: &str, expected: &str) -> Option<String> {
    if found == expected {
        return None;
    }
    let [mut found, mut expected] = [found, expected].map(|text| text.split_inclusive('\n'));
    let mut number = 1;
    loop {
        let (found, expected) = (found.next(), expected.next());
        if found != expected {
            let show = |line: Option<&str>| line.map_or("(the end)".to_owned(), |line| format!("{line:?}"));
            return Some(format!(
                "line {number}:\n  found    {}\n  expected {}",
                show(found),
                show(expected)
            ));
        }
        number += 1;
    }
}
