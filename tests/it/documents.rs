//! Compares the documents with the program.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Behavior, Provider, Sandbox, code};

fn document(name: &str) -> String {
    fs::read_to_string(format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Returns the README and all documents that it refers to.
fn documents() -> Vec<String> {
    let folder = format!("{}/docs", env!("CARGO_MANIFEST_DIR"));
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let documents = ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"].map(str::to_owned);
    let texts = names.filter(|name| name.ends_with(".md"));
    documents.into_iter().chain(texts.map(|name| format!("docs/{name}"))).collect()
}

/// Returns the anchor that GitHub generates for a heading.
fn anchor(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim().to_lowercase();
    heading
        .chars()
        .filter(|letter| letter.is_alphanumeric() || "- _".contains(*letter))
        .collect::<String>()
        .replace(' ', "-")
}

#[test]
fn every_link_between_the_documents_has_a_target() {
    let mut links = 0;
    for name in documents() {
        let text = document(&name);
        for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            if link.starts_with("https://") {
                continue;
            }
            let (path, fragment) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
            let path = match path {
                "" => PathBuf::from(&name),
                path => Path::new(&name).parent().unwrap().join(path),
            };
            assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(&path).exists(), "{name} links to {link}");
            if let Some(fragment) = fragment {
                let target = document(path.to_str().unwrap());
                let mut headings = target.lines().filter(|line| line.starts_with('#'));
                assert!(headings.any(|heading| anchor(heading) == fragment), "{name} links to {link}");
            }
            links += 1;
        }
    }
    assert!(links > 30, "{links}");
}

#[test]
fn the_readme_links_to_every_document() {
    let readme = document("README.md");
    for name in documents().iter().filter(|name| *name != "README.md") {
        assert!(readme.contains(&format!("]({name})")), "the README does not link to {name}");
    }
}

#[test]
fn every_option_of_a_run_and_a_check_is_documented() {
    let table = document("docs/options.md");
    for command in ["run", "check"] {
        let help = code(&Sandbox::new().run(&format!("{command} --help")), 0);
        for option in help.split_whitespace().filter(|word| word.starts_with("--")) {
            let option = option.split(['[', '=', ',', ']', '.', ')', ';', ':']).next().unwrap_or(option);
            assert!(table.contains(option), "docs/options.md does not describe {option}");
        }
    }
}

#[test]
fn every_command_is_documented() {
    let table = document("docs/options.md");
    let help = code(&Sandbox::new().run("--help"), 0);
    let commands = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let names: Vec<&str> = commands
        .lines()
        .filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' '))?.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        assert!(table.contains(&format!("| `dyehouse {name}")), "docs/options.md does not describe {name}");
    }
}

#[test]
fn every_manifest_in_the_examples_is_valid() {
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
fn every_exit_code_is_documented() {
    let text = document("docs/output-files.md");
    for code in 0..=5 {
        assert!(text.contains(&format!("| {code} |")), "exit code {code}");
    }
}

#[test]
fn every_column_of_the_results_is_documented() {
    let sandbox = Sandbox::new();
    let photos = concat!(env!("CARGO_MANIFEST_DIR"), "/manifests/photos");
    sandbox.write("a.csv", format!("prompt,images\nAdd a hat,{photos}/mug.jpg\n"));
    code(&sandbox.run("run a.csv --backend embedded -o out --junit junit.xml"), 3);
    let text = document("docs/output-files.md");
    for column in sandbox.read("out/report/results.csv").lines().next().unwrap().split(',') {
        assert!(text.contains(&format!("`{column}`")), "{column}");
    }
    let junit = sandbox.read("junit.xml");
    assert!(junit.contains("<failure type=\"rejected\"") || junit.contains("<failure type=\"provider\""), "{junit}");
}

#[test]
fn every_file_that_a_run_leaves_behind_is_documented() {
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
    let text = document("docs/output-files.md");
    let list = text.split("```").nth(1).unwrap();
    let all = ["out", "out/report"].map(|folder| sandbox.names(folder)).concat();
    assert!(all.len() > 10, "{all:?}");
    for name in all.iter().filter(|name| !name.starts_with('.')) {
        let name = if name.starts_with("journal-until-") { "journal-until-" } else { name };
        assert!(list.contains(name), "docs/output-files.md does not list {name}");
    }
}

#[test]
fn modules_use_only_modules_below_them_in_the_architecture() {
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
        // Tests may use any module.
        if !name.ends_with(".rs") || name == "lib.rs" || name.contains("tests") {
            continue;
        }
        let module = name.split('/').next().unwrap().trim_end_matches(".rs");
        let place = |module: &str| modules.iter().position(|known| *known == module);
        let from = place(module).unwrap_or_else(|| panic!("{module} is not in the list"));
        let text = fs::read_to_string(&path).unwrap();
        for used in text.split("#[cfg(test)]\nmod tests").next().unwrap().split("crate::").skip(1) {
            let used = used.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap();
            let Some(to) = place(used) else { continue };
            assert!(from <= to, "{name} uses {used}, which stands above {module}");
            arrows += 1;
        }
    }
    assert!(arrows > 300, "{arrows}");
}
