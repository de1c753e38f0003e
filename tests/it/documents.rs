//! What the documents say, compared with the program.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Behavior, Provider, Sandbox, code};

fn document(name: &str) -> String {
    fs::read_to_string(format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
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
    code(&sandbox.run("man --out share/man1"), 0);
    let pages = sandbox.names("share/man1");
    for page in ["dyehouse.1", "dyehouse-run.1", "dyehouse-color-measure.1", "dyehouse-release.1"] {
        assert!(pages.contains(&page.to_owned()), "{page} is not among {pages:?}");
    }
    let page = sandbox.read("share/man1/dyehouse-run.1");
    assert!(page.contains("budget\\-per\\-run") && page.contains("130 or 143"), "{page}");
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

#[test]
fn the_readme_names_every_file_that_a_run_leaves_behind() {
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    let photo = concat!(env!("CARGO_MANIFEST_DIR"), "/manifests/photos/mug.jpg");
    let night = |color: &str| {
        let jobs = format!("[{{id: a, prompt: 'Make it {color}', images: {photo}}}]");
        sandbox.write("a.yaml", format!("version: 1\nrun: {{images_via: inline}}\njobs: {jobs}\n"));
        let mut run = provider.client(&sandbox, "run a.yaml -o out --rate 99/s --reroll 1");
        run.output().unwrap();
    };
    night("#FF0000");
    night("#0000FF");
    code(&sandbox.run("compact out"), 0);
    let readme = document("README.md");
    let list = readme.split("## Output files").nth(1).unwrap().split("```").nth(1).unwrap();
    let all = ["out", "out/report"].map(|folder| sandbox.names(folder)).concat();
    assert!(all.len() > 10, "{all:?}");
    for name in all.iter().filter(|name| !name.starts_with('.')) {
        let name = if name.starts_with("journal-until-") { "journal-until-" } else { name };
        assert!(list.contains(name), "the README does not list {name}");
    }
}

#[test]
fn arrows_between_modules_point_down_the_list_of_the_architecture() {
    let map = document("ARCHITECTURE.md");
    let list = map.split("```").nth(1).unwrap();
    let modules: Vec<&str> = list
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next())
        .map(|name| name.trim_end_matches('/').trim_end_matches(".rs"))
        .collect();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files: Vec<PathBuf> = vec![source.clone()];
    let mut arrows = 0;
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let name = path.strip_prefix(&source).unwrap().to_str().unwrap().to_owned();
        // Tests may use whatever shows what they are about.
        if !name.ends_with(".rs") || name == "lib.rs" || name.contains("tests") {
            continue;
        }
        let module = name.split('/').next().unwrap().trim_end_matches(".rs");
        let place = |module: &str| modules.iter().position(|known| *known == module);
        let from = place(module).unwrap_or_else(|| panic!("{module} is not in the list"));
        let text = fs::read_to_string(&path).unwrap();
        for used in text.split("#[cfg(test)]").next().unwrap().split("crate::").skip(1) {
            let used = used.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap();
            let Some(to) = place(used) else { continue };
            assert!(from <= to, "{name} uses {used}, which stands above {module}");
            arrows += 1;
        }
    }
    assert!(arrows > 300, "{arrows}");
}
