use std::convert::Infallible;
use std::path::Path;

use super::*;
use crate::job::{Backend, Cents, ContentHash, Fingerprint, Hex, ImageSource, Job, Seed, Size};

/// Reads a manifest called `name` in a temporary folder. Returns its jobs, or all its errors as rendered.
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
fn csv_with_every_column_is_parsed() {
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
    assert_eq!(jobs[0].color, Some(Hex([0xDC, 0x14, 0x3C])));
    assert_eq!(jobs[1].columns, [("SKU".to_owned(), "18".to_owned())]);
    assert_eq!((jobs[0].line, jobs[1].line), (2, 4));
}

#[test]
fn byte_order_mark_and_crlf_are_accepted() {
    let jobs = read("a.csv", "\u{feff}id,prompt,images\r\na,p,https://x/a.png\r\n").unwrap();
    assert_eq!(ids(&jobs), ["a"]);
}

#[test]
fn yaml_with_defaults_settings_and_jobs_is_parsed() {
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
fn derived_id_does_not_depend_on_the_position_of_the_row() {
    let one = read("a.csv", "prompt,images\nred,https://x/mug.png\nblue,https://x/mug.png\n").unwrap();
    let other =
        read("a.csv", "prompt,images\nblue,https://x/mug.png\ngreen,https://x/mug.png\nred,https://x/mug.png\n")
            .unwrap();
    assert_eq!(one[0].id, other[2].id);
    assert_eq!(one[1].id, other[0].id);
    assert!(one[0].id.as_str().starts_with("mug-"));
}

#[test]
fn every_error_of_a_table_is_reported_in_one_go() {
    let printed = read(
        "bad.csv",
        "id,prompt,images,size,seed\n\
         a,p,https://x/1.png,huge,1.5\n\
         ../x,p,https://x/1.png,,10001\n\
         a/b,,https://x/1.png,,\n\
         a,p,,,\n\
         c,p,https://x/1.png,,,,extra\n",
    );
    insta::assert_snapshot!(printed.unwrap_err());
}

#[test]
fn every_error_of_a_document_is_reported_in_one_go() {
    let printed = read(
        "bad.yaml",
        "version: 1\ndefaults:\n  images: https://x/a.png\njobs:\n\
         \x20 - id: a\n    promt: Make it red\n\
         \x20 - id: b\n    prompt: p\n    seed: 1.5\n    size: \"hug\"\n    images: ['', 's3://b/c']\n\
         \x20 - id: b\n    prompt: p\n    sku: 1\n\
         \x20 - just text\n\
         \x20 - id: ../x\n    prompt: [a, b]\n",
    );
    insta::assert_snapshot!(printed.unwrap_err());
}

#[test]
fn every_error_of_a_documents_head_is_reported_in_one_go() {
    let printed = read(
        "bad.yaml",
        "version: 2\nbackend: vibedreem\nrun:\n  rate: fast\n  budgit: 3\n  budget: 1.234\ndefaults:\n  id: x\n  seed: -1\njob:\n  - prompt: p\n",
    );
    insta::assert_snapshot!(printed.unwrap_err());
}

#[test]
fn files_that_are_not_manifests_have_distinct_errors() {
    let printed = [
        read("a.csv", ""),
        read("a.csv", "\n\n"),
        read("a.csv", "id,images\na,https://x/1.png\n"),
        read("a.csv", "id,prompt,images\n"),
        read("a.csv", "id,prompt,images,prompt\n"),
        read("a.yaml", b"jobs:\n- {prompt: \xff, images: b}\n"),
        read("a.xlsx", "PK"),
        read("a.yaml", "jobs: [\n"),
        read("a.yaml", "jobs: []\n"),
        read("a.yaml", "- prompt: p\n"),
        read("a.yaml", "version: 1\n"),
    ];
    let printed: Vec<_> = printed.into_iter().map(Result::unwrap_err).collect();
    insta::assert_snapshot!(printed.join("\n\n"));
    let missing = Manifest::open(Path::new("nowhere/catalog.csv")).unwrap_err();
    assert_eq!(missing.to_string(), "nowhere/catalog.csv: no such file");
}

proptest::proptest! {
    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        let _ = read("a.csv", &bytes);
        let _ = read("a.yaml", &bytes);
    }

    #[test]
    fn arbitrary_yaml_like_text_does_not_panic(text in "(jobs|defaults|run|- |: |\\[|\\]|\\{|\\}|\n|  |prompt|images|&a|\\*a|\"|'|1|é){0,60}") {
        let _ = read("a.yaml", &text);
    }
}

#[test]
fn tables_saved_by_spreadsheets_are_parsed() {
    let prompts = |jobs: Vec<Job>| jobs.into_iter().map(|job| job.request.prompt).collect::<Vec<_>>();
    let text = "id;Prompt;Image URL;;\r\na;\"mach es grün; jetzt\r\nbitte\";https://x/a.png;;\r\n;;;;\r\n";
    assert_eq!(prompts(read("a.csv", format!("\u{feff}{text}")).unwrap()), ["mach es grün; jetzt\r\nbitte"]);
    let utf16: Vec<u8> = [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    assert_eq!(prompts(read("a.csv", utf16).unwrap()), ["mach es grün; jetzt\r\nbitte"]);
    let windows = b"id\tprompt\timages\na\tcaf\xe9 \x80\thttps://x/a.png\n";
    assert_eq!(prompts(read("a.tsv", windows).unwrap()), ["café €"]);
}

#[test]
fn the_detected_dialect_of_a_table_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    std::fs::write(&path, b"ID;Instruction;Image Src;Note\na;make it red;https://x/a.png;caf\xe9\n").unwrap();
    let manifest = Manifest::open(&path).unwrap();
    let printed: Vec<&str> = manifest.notices().iter().map(|notice| notice.message.as_str()).collect();
    assert_eq!(
        printed,
        [
            "byte 0xE9 is not UTF-8: the file is read as windows-1252, with words such as `café`",
            "cells are separated by `;`",
            "column `Instruction` is read as `prompt`",
            "column `Image Src` is read as `images`",
        ]
    );
}

#[test]
fn lines_of_json_are_a_manifest() {
    let lines = concat!(
        r##"{"id":"a","prompt":"make it #1E90FF","images":["https://x/a.png","https://x/b.png"],"seed":7,"shop":{"x":1}}"##,
        "\n\n",
        r##"{"prompt":"make it red","images":"https://x/a.png","stock":3,"enable_sync_mode":true,"size":null}"##,
        "\n",
    );
    let deep = read("a.jsonl", lines.replace(r#""seed":7"#, r#""seed":{"x":7}"#)).unwrap_err();
    assert!(deep.contains("`seed` must contain only texts"), "{deep}");
    let jobs = read("a.jsonl", lines).unwrap();
    assert_eq!(jobs[0].columns, [("shop".to_owned(), r#"{"x":1}"#.to_owned())]);
    assert_eq!((jobs[0].request.images.len(), jobs[0].request.seed, jobs[1].line), (2, Seed::new(7), 3));
    assert_eq!(jobs[1].columns, [("stock".to_owned(), "3".to_owned())]);
    let wrong =
        read("a.jsonl", "{\"prompt\":\"a\",\"images\":\"b.png\"}\n{\"promt\":1}\n[1]\n{\"prompt\":\n").unwrap_err();
    insta::assert_snapshot!(wrong);
}

/// Returns a catalog with two rows and two colors, with `template` at its end.
fn catalog(template: &str) -> String {
    format!(
        "version: 1\ndefaults: {{size: small}}\nrows:\n- {{sku: m1, product: mug, file: mug.png, stock: 3}}\n\
         - {{sku: c1, product: chair, file: chair.png, seed: 9, stock: 0}}\nmatrix:\n  color:\n  \
         - {{name: ocean, hex: \"#1E90FF\"}}\n  - {{name: brick, hex: \"#B22222\"}}\ntemplate:\n{template}"
    )
}

#[test]
fn catalog_rows_times_matrix_make_jobs_through_templates() {
    let jobs = read(
        "a.yaml",
        catalog(
            "  id: \"{{ sku }}-{{ color.name }}\"\n  prompt: \"Change the {{ product | upper }} to {{ color.hex }}\"\n  \
             images: [\"photos/{{ file }}\"]\n  color: \"{{ color.hex }}\"\n",
        ),
    )
    .unwrap();
    assert_eq!(ids(&jobs), ["m1-ocean", "m1-brick", "c1-ocean", "c1-brick"]);
    assert_eq!(jobs[1].request.prompt, "Change the MUG to #B22222");
    assert_eq!(jobs[1].color, Some(Hex([0xB2, 0x22, 0x22])));
    assert_eq!((jobs[0].request.size, jobs[0].line, jobs[2].line), (Some(Size::Small), 4, 5));
    assert_eq!((jobs[0].request.seed, jobs[2].request.seed), (None, Seed::new(9)), "a row's own seed wins");
    let column = |name: &str| jobs[3].columns.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    assert_eq!((column("product"), column("color.name")), (Some("chair"), Some("brick")));
}

#[test]
fn conditions_exclude_rows_and_filters_transform_texts() {
    let jobs = read(
        "a.yaml",
        catalog(
            "  when: \"{{ stock | int > 0 and color.name != 'brick' }}\"\n  id: \"{{ product | slug }}\"\n  \
             prompt: \"make it {{ color.hex | lower }} {{ '' | default('now', true) }}\"\n  images: \"{{ file }}\"\n",
        ),
    )
    .unwrap();
    assert_eq!((ids(&jobs), jobs[0].request.prompt.as_str()), (vec!["mug"], "make it #1e90ff now"));
}

#[test]
fn errors_of_a_template_point_at_it_and_name_the_row() {
    let head = "  id: \"{{ sku }}-{{ colour.name }}\"\n  prompt: \"{{ prodct }} to {{ color.hax }}\"\n  images: \"{{ file\"\n  sise: small\n";
    let rendered = "  id: \"{{ sku }}\"\n  prompt: \"{{ stock | int // 0 }}\"\n  images: \"{{ file }}\"\n  size: \"{{ product }}\"\n";
    let wrong = [read("a.yaml", catalog(head)).unwrap_err(), read("a.yaml", catalog(rendered)).unwrap_err()];
    insta::assert_snapshot!(wrong.join("\n\n--\n\n"));
}

#[test]
fn shop_export_can_be_used_as_rows_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &str| std::fs::write(folder.path().join(name), content).unwrap();
    write(
        "products.csv",
        "Handle,Title,Option1 Value,Image Src,Variant Price\n\
         mug,\"Mug, large\",Red,https://cdn.example.com/mug.jpg?v=1,12.00\n\
         chair,Chair,Oak,https://cdn.example.com/chair.jpg,99.00\n",
    );
    write(
        "a.yaml",
        "rows: products.csv\nmatrix: {color: [navy, teal]}\ntemplate:\n  id: \"{{ handle }}-{{ color }}\"\n  \
         prompt: \"Change the {{ title }} to {{ color }}\"\n  images: \"{{ image_src }}\"\n  color: \"{{ color }}\"\n",
    );
    let manifest = Manifest::open(&folder.path().join("a.yaml")).unwrap();
    let jobs: Vec<Job> = manifest.jobs().unwrap().map(Result::unwrap).collect();
    assert_eq!(ids(&jobs), ["mug-navy", "mug-teal", "chair-navy", "chair-teal"]);
    assert_eq!((jobs[3].color, jobs[3].line), (Some(Hex([0, 0x80, 0x80])), 3));
    assert_eq!(jobs[0].columns[2], ("Option1 Value".to_owned(), "Red".to_owned()));
}

#[test]
fn files_that_match_a_pattern_are_rows() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("photos")).unwrap();
    for name in ["b.jpg", "a.jpg", "c.txt"] {
        std::fs::write(folder.path().join("photos").join(name), b"").unwrap();
    }
    let text = "rows: photos/*.jpg\ntemplate: {id: \"{{ stem }}\", prompt: make it navy, images: \"{{ file }}\"}\n";
    std::fs::write(folder.path().join("a.yaml"), text).unwrap();
    let manifest = Manifest::open(&folder.path().join("a.yaml")).unwrap();
    let jobs: Vec<Job> = manifest.jobs().unwrap().map(Result::unwrap).collect();
    assert_eq!(ids(&jobs), ["a", "b"]);
    assert_eq!(jobs[0].request.images, [ImageSource::File(folder.path().join("photos/a.jpg"))]);
}

/// Reads the rows on all cores.
fn at_once(manifest: &Manifest) -> Vec<Result<Job, Vec<Diagnostic>>> {
    let mut rows = Vec::new();
    let make = |found: &FoundJob<'_>| {
        let job = found.to_job();
        let no_files = |_: &Path| Ok::<_, Infallible>(ContentHash::of(b""));
        assert_eq!(Fingerprint::of_borrowed(&found.job.request, no_files), Fingerprint::of(&job.request, no_files));
        job
    };
    let read = manifest.read(make, |found| -> Result<(), ()> {
        rows.push(match found {
            Found::Job { made, mut location, .. } => {
                let about = location.about(Some(0), String::new(), String::new());
                assert_eq!(about.job.as_deref(), Some(made.id.as_str()), "the place is that of the row");
                Ok(made)
            }
            Found::Wrong(diagnostics, _) => Err(diagnostics),
            Found::Broken(diagnostic) => Err(vec![diagnostic]),
        });
        Ok(())
    });
    assert_eq!(read.unwrap(), Ok(()));
    rows
}

#[test]
fn parallel_and_sequential_reading_agree_on_many_rows() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = "id,prompt,images,seed,note\n".to_owned();
    for row in 0..6000 {
        let id = if row % 997 == 996 { row - 900 } else { row };
        let seed = if row % 500 == 499 { "-1" } else { "7" };
        table.push_str(&format!(
            "id-{id},\"Make it #1E90FF,\nkeep the \"\"{row}\"\"\",https://x/{row}.png|a.png,{seed},{}\n",
            "é".repeat(40)
        ));
    }
    let template = "rows: a.csv\nmatrix: {color: [red, blue]}\n\
                    template: {id: '{{ id }}-{{ color }}', prompt: '{{ prompt }} {{ color }}', images: '{{ images }}'}\n";
    for (name, text) in [("a.csv", table.as_str()), ("b.yaml", template)] {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let manifest = Manifest::open(&path).unwrap();
        let one_by_one: Vec<_> = manifest.jobs().unwrap().collect();
        assert!(one_by_one.iter().filter(|row| row.is_err()).count() > 12, "{name}");
        assert!(one_by_one == at_once(&manifest), "{name}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]

    #[test]
    fn parallel_and_sequential_reading_agree_on_any_rows(
        rows in "((a|B|b|é|,|,|,|\"|\n|#REF!|=A1|https://x/a.png|photos/a.png|small|7|red| |\u{200b}|\\||\t){0,14}\n){1,8}"
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, format!("id,prompt,images,size,seed,color,own\n{rows}")).unwrap();
        if let Ok(manifest) = Manifest::open(&path) {
            let one_by_one: Vec<_> = manifest.jobs().unwrap().collect();
            proptest::prop_assert_eq!(one_by_one, at_once(&manifest));
        }
    }
}
