use super::*;
use crate::job::{Cents, ImageSource, Seed, Size};

/// Reads a manifest called `name` in a folder of its own: its jobs, or all that is wrong as a person reads it.
fn read(name: &str, content: impl AsRef<[u8]>) -> Result<Vec<Job>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    let problems = match Manifest::open(&path) {
        Ok(manifest) => {
            let (mut jobs, mut problems) = (Vec::new(), Problems::default());
            for found in manifest.jobs().unwrap() {
                match found {
                    Ok(job) => jobs.push(job),
                    Err(diagnostics) => problems.extend(diagnostics),
                }
            }
            if problems.is_empty() {
                return Ok(jobs);
            }
            problems
        }
        Err(problems) => problems,
    };
    let shown: Vec<_> = problems.diagnostics.iter().map(|diagnostic| render(diagnostic, Style::Plain)).collect();
    Err(shown.join("\n\n").replace(&format!("{}/", folder.path().display()), ""))
}

fn ids(jobs: &[Job]) -> Vec<&str> {
    jobs.iter().map(|job| job.id.as_str()).collect()
}

#[test]
fn a_csv_with_every_column_is_understood() {
    let jobs = read(
        "a.csv",
        "id,prompt,images,size,seed,enable_sync_mode,color,SKU\n\
         mug,\"Make it red, please\",https://x/a.png|https://x/b.png,small,7,true,crimson,17\n\
         \n\
         cup,Make it blue,https://x/c.png,,,,,18\n",
    )
    .unwrap();
    assert_eq!(ids(&jobs), ["mug", "cup"]);
    assert_eq!(jobs[0].request.prompt, "Make it red, please");
    assert_eq!(jobs[0].request.images.len(), 2);
    assert_eq!((jobs[0].request.size, jobs[0].request.seed), (Some(Size::Small), Seed::new(7)));
    assert_eq!(jobs[0].request.switches.enable_sync_mode, Some(true));
    assert_eq!(jobs[0].color.as_deref(), Some("#DC143C"));
    assert_eq!(jobs[1].columns, [("SKU".to_owned(), "18".to_owned())]);
    assert_eq!((jobs[0].line, jobs[1].line), (2, 4));
}

#[test]
fn a_byte_order_mark_and_carriage_returns_do_no_harm() {
    let jobs = read("a.csv", "\u{feff}id,prompt,images\r\na,p,https://x/a.png\r\n").unwrap();
    assert_eq!(ids(&jobs), ["a"]);
}

#[test]
fn a_yaml_with_defaults_settings_and_jobs_is_understood() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spring.yaml");
    let text = "version: 1\nbackend: embedded\nrun: {rate: 5/s, in_flight: 4, budget: 12.5}\n\
                defaults:\n  size: small\n  images: photos/a.png\n  seed: 3\n\
                jobs:\n  - prompt: one\n    id: a\n    columns: {sku: 007}\n  - {id: b, prompt: two, images: [https://x/1.png, b.png], seed: 4}\n";
    std::fs::write(&path, text).unwrap();
    let manifest = Manifest::open(&path).unwrap();
    assert_eq!(manifest.name(), "spring");
    assert_eq!(manifest.settings().backend, Some(Backend::Embedded));
    assert_eq!(manifest.settings().budget, Some(Cents(1250)));
    assert_eq!(manifest.settings().rate.unwrap().to_string(), "5/s");
    for _pass in 0..2 {
        let jobs: Vec<Job> = manifest.jobs().unwrap().map(Result::unwrap).collect();
        assert_eq!(ids(&jobs), ["a", "b"]);
        assert_eq!(jobs[0].request.images, [ImageSource::File(folder.path().join("photos/a.png"))]);
        assert_eq!(jobs[0].columns, [("sku".to_owned(), "007".to_owned())]);
        assert_eq!((jobs[0].request.seed, jobs[1].request.seed), (Seed::new(3), Seed::new(4)));
        assert_eq!((jobs[0].line, jobs[1].line), (9, 12));
    }
}

#[test]
fn a_row_without_an_id_gets_one_that_does_not_move_with_it() {
    let one = read("a.csv", "prompt,images\nred,https://x/mug.png\nblue,https://x/mug.png\n").unwrap();
    let other =
        read("a.csv", "prompt,images\nblue,https://x/mug.png\ngreen,https://x/mug.png\nred,https://x/mug.png\n")
            .unwrap();
    assert_eq!(one[0].id, other[2].id);
    assert_eq!(one[1].id, other[0].id);
    assert!(one[0].id.as_str().starts_with("mug-"));
}

#[test]
fn every_error_of_a_table_is_told_in_one_go() {
    let told = read(
        "bad.csv",
        "id,prompt,images,size,seed\n\
         a,p,https://x/1.png,huge,1.5\n\
         ../x,p,https://x/1.png,,10001\n\
         a/b,,https://x/1.png,,\n\
         a,p,,,\n\
         c,p,https://x/1.png,,,,extra\n",
    );
    insta::assert_snapshot!(told.unwrap_err());
}

#[test]
fn every_error_of_a_document_is_told_in_one_go() {
    let told = read(
        "bad.yaml",
        "version: 1\ndefaults:\n  images: https://x/a.png\njobs:\n\
         \x20 - id: a\n    promt: Make it red\n\
         \x20 - id: b\n    prompt: p\n    seed: 1.5\n    size: \"hug\"\n    images: ['', 's3://b/c']\n\
         \x20 - id: b\n    prompt: p\n    sku: 1\n\
         \x20 - just text\n\
         \x20 - id: ../x\n    prompt: [a, b]\n",
    );
    insta::assert_snapshot!(told.unwrap_err());
}

#[test]
fn every_error_of_a_documents_head_is_told_in_one_go() {
    let told = read(
        "bad.yaml",
        "version: 2\nbackend: vibedreem\nrun:\n  rate: fast\n  budgit: 3\n  budget: 1.234\ndefaults:\n  id: x\n  seed: -1\njob:\n  - prompt: p\n",
    );
    insta::assert_snapshot!(told.unwrap_err());
}

#[test]
fn files_that_are_no_manifest_are_told_apart() {
    let said = [
        read("a.csv", ""),
        read("a.csv", "\n\n"),
        read("a.csv", "id,images\na,https://x/1.png\n"),
        read("a.csv", "id,prompt,images\n"),
        read("a.csv", "id,prompt,images,prompt\n"),
        read("a.csv", b"id,prompt,images\na,\xff,b\n"),
        read("a.xlsx", "PK"),
        read("a.yaml", "jobs: [\n"),
        read("a.yaml", "jobs: []\n"),
        read("a.yaml", "- prompt: p\n"),
        read("a.yaml", "version: 1\n"),
    ];
    let said: Vec<_> = said.into_iter().map(Result::unwrap_err).collect();
    insta::assert_snapshot!(said.join("\n\n"));
    let missing = Manifest::open(Path::new("nowhere/catalog.csv")).unwrap_err();
    assert_eq!(missing.to_string(), "nowhere/catalog.csv: no such file");
}

proptest::proptest! {
    #[test]
    fn no_bytes_at_all_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        let _ = read("a.csv", &bytes);
        let _ = read("a.yaml", &bytes);
    }

    #[test]
    fn no_text_that_looks_like_yaml_makes_it_panic(text in "(jobs|defaults|run|- |: |\\[|\\]|\\{|\\}|\n|  |prompt|images|&a|\\*a|\"|'|1|é){0,60}") {
        let _ = read("a.yaml", &text);
    }
}
