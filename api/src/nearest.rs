//! The known name that somebody who wrote another one probably meant.

/// The nearest of `known` to `written`, if one is near enough to be worth a question.
///
/// Near is: at most a third of the letters (and two in short names) wrong, missing, added or swapped, whatever the
/// case (Damerau-Levenshtein distance); else the first name that contains what was written, of three letters or more.
pub fn nearest<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    let lower = written.to_lowercase();
    let distance = |name: &str| strsim::damerau_levenshtein(&lower, &name.to_lowercase());
    let allowed = (written.chars().count() / 3).max(2);
    let near = known.iter().map(|name| (distance(name), *name)).min_by_key(|(distance, _)| *distance);
    near.filter(|(distance, name)| *distance <= allowed && *distance < name.len())
        .map(|(_, name)| name)
        .or_else(|| {
            let part = |name: &str| lower.len() >= 3 && name.to_lowercase().contains(&lower);
            known.iter().copied().find(|name| part(name))
        })
}

/// `unknown <what> "<written>"`, with the nearest of `known` and all of them.
pub fn unknown(what: &str, written: &str, known: &[&str]) -> String {
    let question = nearest(written, known).map(|name| format!(": did you mean {name}?")).unwrap_or_default();
    let separator = if question.is_empty() { ". " } else { " " };
    format!("unknown {what} \"{written}\"{question}{separator}Known: {}", known.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["grayscale", "invert", "gaussianBlur", "sobel"];

    #[test]
    fn a_misspelled_name_finds_the_one_that_was_meant() {
        assert_eq!(nearest("gausianBlur", KNOWN), Some("gaussianBlur"));
        assert_eq!(nearest("GaussianBlur", KNOWN), Some("gaussianBlur"));
        assert_eq!(nearest("greyscale", KNOWN), Some("grayscale"));
        assert_eq!(nearest("blur", KNOWN), Some("gaussianBlur"));
    }

    #[test]
    fn a_name_like_no_other_finds_nothing() {
        assert_eq!(nearest("posterize", KNOWN), None);
        assert_eq!(unknown("operation", "xyz", &["a", "bcde"]), "unknown operation \"xyz\". Known: a, bcde");
    }
}
