//! Catalogs that are exported again: what nobody has edited is not paid for again.

use std::path::Path;
use std::process::Output;

use dyehouse::job::{ContentHash, EditRequest, Fingerprint, ImageSource, Switches};

use crate::support::{Behavior, Provider, Sandbox, code};

/// A shop whose manifest is exported every night.
struct Shop {
    sandbox: Sandbox,
    provider: Provider,
}

impl Shop {
    fn new() -> Shop {
        Shop { sandbox: Sandbox::new(), provider: Provider::start(Behavior::default()) }
    }

    /// Exports `count` rows that each have a prompt and an image URL.
    fn export(&self, count: usize, row: impl Fn(usize) -> (String, String)) {
        let rows = (0..count).map(row).enumerate();
        let rows: String = rows.map(|(number, (prompt, url))| format!("job-{number},\"{prompt}\",{url}\n")).collect();
        self.sandbox.write("catalog.csv", format!("id,prompt,images\n{rows}"));
    }

    fn command(&self, line: &str) -> Output {
        self.provider.client(&self.sandbox, line).output().unwrap()
    }

    fn night(&self) -> String {
        code(&self.command("run catalog.csv -o out --rate 200/s --burst 20 --in-flight 20"), 0)
    }

    fn check(&self) -> String {
        code(&self.command("check catalog.csv -o out"), 0)
    }

    /// Replaces the fingerprints of the folder by those that earlier versions recorded.
    fn make_old(&self) {
        let mut journal = self.sandbox.read("out/journal.jsonl");
        let mut plan = self.sandbox.read("out/plan.jsonl");
        for line in plan.clone().lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let request = EditRequest {
                model: line["request"]["model"].as_str().unwrap().to_owned(),
                prompt: line["request"]["prompt"].as_str().unwrap().to_owned(),
                images: vec![ImageSource::Url(line["request"]["images"][0]["url"].as_str().unwrap().to_owned())],
                size: None,
                seed: None,
                switches: Switches::default(),
            };
            let written = Fingerprint::as_written(&request.borrowed(), |_: &Path| Err::<ContentHash, ()>(())).unwrap();
            let now = line["fingerprint"].as_str().unwrap();
            assert_ne!(now, written.to_string());
            journal = journal.replace(now, &written.to_string());
            plan = plan.replace(now, &written.to_string());
        }
        self.sandbox.rewind("out", journal);
        self.sandbox.write("out/plan.jsonl", plan);
        for name in [".plan-of", ".journal-snapshot"] {
            let _ = std::fs::remove_file(self.sandbox.path("out").join(name));
        }
    }
}

fn prompt(number: usize) -> String {
    format!("Make it #1E90FF number {number}.\nKeep the caf\u{e9}.")
}

fn signed(number: usize, night: usize) -> String {
    format!(
        "https://b.s3.amazonaws.com/{number}.png?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=k%2F2099010{night}\
         &X-Amz-Date=2099010{night}T000000Z&X-Amz-Expires=86400&X-Amz-Signature={night}f{number}"
    )
}

#[test]
fn new_signatures_of_the_same_pictures_are_not_paid_for_but_are_sent() {
    let shop = Shop::new();
    for night in 1..=3 {
        shop.export(5, |number| (prompt(number), signed(number, night)));
        assert!(night == 1 || !shop.check().contains("changed"), "night {night}");
        shop.night();
        assert_eq!(shop.provider.accepted(), 5, "night {night}");
    }
    let plan = shop.sandbox.read("out/plan.jsonl");
    assert!(plan.contains("X-Amz-Signature=3f0"), "a later submit sends the new signature: {plan}");
    shop.export(5, |number| (prompt(number), format!("{}&v=2", signed(number, 4))));
    assert!(shop.check().contains("changed"));
    shop.night();
    assert_eq!(shop.provider.accepted(), 10, "a new version of the pictures is another edit");
}

#[test]
fn the_same_words_in_other_bytes_are_not_paid_for_again() {
    let shop = Shop::new();
    let url = |number: usize| format!("https://example.com/{number}.png");
    let exports: [&dyn Fn(usize) -> (String, String); 5] = [
        &|number| (prompt(number), url(number)),
        &|number| (prompt(number).replace('\n', "\r\n"), url(number)),
        &|number| (format!(" {} \n", prompt(number)), url(number)),
        &|number| (prompt(number).replace('\u{e9}', "e\u{301}"), url(number)),
        &|number| (prompt(number), format!("HTTPS://Example.com:443/{number}.png")),
    ];
    for (number, export) in exports.into_iter().enumerate() {
        shop.export(3, export);
        assert!(number == 0 || !shop.check().contains("changed"), "export {number}");
        shop.night();
        assert_eq!(shop.provider.accepted(), 3, "export {number}");
    }
}

#[test]
fn a_folder_of_an_earlier_version_is_not_paid_for_again() {
    let shop = Shop::new();
    shop.export(4, |number| (format!("{} ", prompt(number)), signed(number, 1)));
    shop.night();
    shop.make_old();
    for night in 1..=3 {
        // A changed row after the others, so that the folder's plan is not simply used again.
        shop.export(4 + night, |number| (format!("{} ", prompt(number)), signed(number, night)));
        assert!(!shop.check().contains("changed"), "night {night}");
        let printed = shop.night();
        assert!(printed.contains(&format!("{} jobs completed", 4 + night)), "{printed}");
        assert_eq!(shop.provider.accepted(), 4 + night, "night {night}");
        code(&shop.sandbox.run("status out"), 0);
        code(&shop.sandbox.run("report out"), 0);
    }
    shop.export(4, |number| (prompt(number + 100), signed(number, 4)));
    shop.night();
    assert_eq!(shop.provider.accepted(), 11, "edited rows are paid for");
}

#[test]
fn a_catalog_of_which_most_has_changed_is_warned_of_before_it_is_paid_for_again() {
    let shop = Shop::new();
    let row =
        |version: &'static str| move |number: usize| (prompt(number), format!("https://e.com/{number}.png{version}"));
    shop.export(24, row(""));
    assert!(!shop.night().contains("warning"));
    shop.export(24, row("?v=2"));
    let told = "warning: 24 of 24 completed jobs have changed, and are paid for again, about $1.68";
    assert!(shop.check().contains(told));
    let printed = shop.night();
    assert!(printed.contains(told) && printed.contains("--budget-per-run"), "{printed}");
    assert_eq!(shop.provider.accepted(), 48, "a warning does not stop a run");
}
