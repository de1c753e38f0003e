use std::path::Path;

use super::color::color;
use super::*;
use crate::job::{Job, Seed};

fn row<'a>(values: &[(Field, &'a str)]) -> Row<'a> {
    let mut row = Row::default();
    for (field, text) in values {
        row.set(*field, Value::Text(text));
    }
    row
}

fn job(values: &[(Field, &str)]) -> Result<Job, Vec<RowError>> {
    let defaults = Defaults::default();
    parse_row(&row(values), &defaults, "m", Path::new("/m"), 1).map(|job| job.to_job(Vec::new()))
}

fn with(field: Field, text: &str) -> Result<Job, Vec<RowError>> {
    job(&[(Field::Prompt, "p"), (Field::Images, "a.png"), (field, text)])
}

#[test]
fn colors_are_parsed_to_hex_in_capitals() {
    for (text, hex) in [("#1e90ff", "#1E90FF"), ("#abc", "#AABBCC"), ("Tomato", "#FF6347"), ("001122", "#001122")] {
        assert_eq!(color(text).map(|color| color.to_string()).as_deref(), Ok(hex), "{text}");
    }
    assert_eq!(color("tomatoe"), Err("did you mean `tomato`?".to_owned()));
    for (text, hint) in [
        ("#1E90F", "it has 5 hex digits, and a color has six"),
        ("0x1E90FF", "write `#1E90FF`"),
        ("# 1E90FF", "write `#1E90FF`"),
        ("navy blue", "CSS knows `navy`; for another shade, write its hex"),
        ("rgb(300,0,0)", "each of red, green and blue is from 0 to 255"),
    ] {
        assert_eq!(color(text), Err(hint.to_owned()), "{text}");
    }
    for bad in ["#12", "#GGGGGG", "#11223344", "transparent", "", "#1122334"] {
        assert!(color(bad).is_err(), "{bad}");
    }
}

#[test]
fn seeds_are_whole_numbers_up_to_ten_thousand() {
    for (text, seed) in [("0", 0), ("10000", 10000), ("42.0", 42), ("3.00", 3), ("10.", 10), ("100", 100), (" 7 ", 7)] {
        assert_eq!(with(Field::Seed, text).unwrap().request.seed, Seed::new(seed), "{text}");
    }
    for bad in [
        "10001",
        "1.5",
        "-1",
        "1e3",
        "abc",
        "0x10",
        "+5",
        "99999999999999999999",
        ".0",
        "1.50",
        "1.000",
        "1,000",
        "2.500",
    ] {
        assert!(with(Field::Seed, bad).is_err(), "{bad}");
    }
    assert_eq!(with(Field::Seed, "").unwrap().request.seed, None);
}

#[test]
fn derived_id_depends_on_the_request() {
    let id = |values: &[(Field, &str)]| job(values).unwrap().id.to_string();
    let base = id(&[(Field::Prompt, "p"), (Field::Images, "photos/Mug 1.png")]);
    assert!(base.starts_with("Mug1-") && base.len() == 21, "{base}");
    assert_eq!(base, id(&[(Field::Images, " photos/Mug 1.png "), (Field::Prompt, "p")]));
    assert_ne!(base, id(&[(Field::Prompt, "q"), (Field::Images, "photos/Mug 1.png")]));
    assert_ne!(base, id(&[(Field::Prompt, "p"), (Field::Images, "photos/Mug 1.png"), (Field::Seed, "1")]));
    let url = id(&[(Field::Prompt, "p"), (Field::Images, "https://x.com/con.jpg?a=/b")]);
    assert!(url.starts_with("con-"), "{url}");
}

#[test]
fn everything_wrong_with_a_row_is_reported_at_once() {
    let bad = job(&[(Field::Id, "../x"), (Field::Images, "a||s3://b"), (Field::Size, "huge"), (Field::Seed, "1.5")]);
    let locations: Vec<At> = bad.unwrap_err().into_iter().map(|row_error| row_error.at).collect();
    let expected = [
        At::Part(Field::Images, 2..2),
        At::Part(Field::Images, 3..9),
        At::Field(Field::Size),
        At::Field(Field::Seed),
        At::Field(Field::Id),
        At::Field(Field::Prompt),
    ];
    assert_eq!(locations, expected);
}

#[test]
fn a_row_has_one_to_eight_images() {
    assert_eq!(with(Field::Images, &["a"; 8].join("|")).unwrap().request.images.len(), 8);
    assert!(with(Field::Images, &["a"; 9].join("|")).is_err());
    assert!(with(Field::Images, " ").is_err());
}
