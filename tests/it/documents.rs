//! What the documents say, held against the program.

use crate::support::{Sandbox, code};

fn document(name: &str) -> String {
    std::fs::read_to_string(format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn the_help_is_the_one_in_the_readme() {
    let help = code(&Sandbox::new().run("run --help"), 0);
    let readme = document("README.md");
    for option in help.split_whitespace().filter(|word| word.starts_with("--")) {
        let option = option.split(['[', '=', ',', ']', '.', ')', ';', ':']).next().unwrap_or(option);
        assert!(readme.contains(option), "the README does not speak of {option}");
    }
}

#[test]
fn every_manifest_in_the_examples_is_a_good_one() {
    let sandbox = Sandbox::new();
    for name in ["catalog.csv", "catalog.yaml", "matrix.yaml"] {
        let path = format!("{}/examples/{name}", env!("CARGO_MANIFEST_DIR"));
        code(&sandbox.run(&format!("check {path}")), 0);
    }
}

#[test]
fn completions_and_the_manual_page_are_printed() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish"] {
        assert!(code(&sandbox.run(&format!("completions {shell}")), 0).contains("dyehouse"));
    }
    assert!(code(&sandbox.run("man"), 0).contains(".TH dyehouse"));
}

#[test]
fn the_readme_names_every_exit_code() {
    let readme = document("README.md");
    for code in 0..=5 {
        assert!(readme.contains(&format!("| {code} |")), "exit code {code}");
    }
}

#[test]
fn the_readme_names_every_column_of_the_results() {
    let sandbox = Sandbox::new();
    let photos = concat!(env!("CARGO_MANIFEST_DIR"), "/manifests/photos");
    sandbox.write("a.csv", format!("prompt,images\nAdd a hat,{photos}/mug.jpg\n"));
    code(&sandbox.run("run a.csv --backend embedded -o out --junit junit.xml"), 3);
    let readme = document("README.md");
    for column in sandbox.read("out/report/results.csv").lines().next().unwrap().split(',') {
        assert!(readme.contains(&format!("`{column}`")), "{column}");
    }
    let junit = sandbox.read("junit.xml");
    assert!(junit.contains("<failure type=\"rejected\"") || junit.contains("<failure type=\"provider\""), "{junit}");
}
