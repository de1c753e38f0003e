use crate::api::{Output, PredictionId};

/// The shortest id that is looked for: a shorter one may be any part of a URL.
const MIN_LENGTH: usize = 16;

/// The maximum number of ids that are returned.
const MAX_IDS: usize = 8;

/// Returns what may be the ids of other predictions in the URLs of outputs: parts of their paths that have the form of
/// the `own` id. The documentation shows URLs with the id of their prediction. One that names another prediction may
/// lead to the picture of another job.
pub(crate) fn other_ids(outputs: &[Output], own: &PredictionId) -> Vec<PredictionId> {
    let urls = outputs.iter().filter_map(|output| match output {
        Output::Short(text) => text.split_once("://").map(|(_, rest)| rest),
        Output::Long(_) => None,
    });
    let paths = urls.map(|url| url.split(['?', '#']).next().unwrap_or(url)).filter(|path| !path.contains(own.as_str()));
    let segments = paths.flat_map(|path| path.split('/').skip(1)).map(|part| part.split('.').next().unwrap_or(part));
    let ids = segments.filter(|part| has_form(part, own.as_str())).filter_map(|part| PredictionId::new(part).ok());
    ids.take(MAX_IDS).collect()
}

/// Whether two texts have letters, digits and other signs in the same places.
fn has_form(text: &str, of: &str) -> bool {
    let mut pairs = text.bytes().zip(of.bytes());
    text.len() >= MIN_LENGTH
        && text.len() == of.len()
        && pairs.all(|(one, other)| one == other || (one.is_ascii_alphanumeric() && other.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "550e8400-e29b-41d4-a716-446655440000";
    const OTHER: &str = "9b2f7c1e-0c11-4f6a-8d4e-1f2e3d4c5b6a";

    fn found(url: &str) -> Vec<String> {
        let own = PredictionId::new(OWN).unwrap();
        other_ids(&[Output::from(url)], &own).iter().map(|id| id.as_str().to_owned()).collect()
    }

    #[test]
    fn an_id_of_the_same_form_in_the_path_of_an_output_is_found() {
        assert_eq!(found(&format!("https://assets.example/outputs/{OTHER}/1736942400000-0.png")), [OTHER]);
        assert_eq!(found(&format!("https://assets.example/{OTHER}.png?sig={OWN}")), [OTHER]);
    }

    #[test]
    fn the_own_id_and_other_parts_of_a_url_are_no_ids_of_others() {
        assert!(found(&format!("https://assets.example/users/{OTHER}/outputs/{OWN}/0.png")).is_empty());
        for url in ["https://assets.example/a/1736942400000-0.png", "data:image/png;base64,AAAA", OTHER] {
            assert!(found(url).is_empty(), "{url}");
        }
        assert!(found(&format!("https://{OTHER}/a.png?of={OTHER}")).is_empty());
    }
}
