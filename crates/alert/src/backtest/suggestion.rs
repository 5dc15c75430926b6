//! The strictest setting that would not have told people more often than they can bear.
//!
//! What is stricter tells more often, but for alerts that grow together into one; so the answer is looked for by
//! halving, and what is handed back was tried.

/// The first of `settings`, which go from strict to lax, with which `pages` are at most `pages_max`, and how many those
/// are; `None` where even the last gives more. `pages` is asked about as often as the list can be halved, and once.
///
/// # Errors
///
/// The first one of `pages`.
pub fn strictest<T, E>(
    settings: &[T],
    pages_max: f64,
    mut pages: impl FnMut(&T) -> Result<f64, E>,
) -> Result<Option<(&T, f64)>, E> {
    let (mut first, mut end) = (0, settings.len());
    let mut found = None;
    while first < end {
        let middle = first + (end - first) / 2;
        let count = pages(&settings[middle])?;
        if count <= pages_max {
            found = Some((&settings[middle], count));
            end = middle;
        } else {
            first = middle + 1;
        }
    }
    Ok(found)
}
