//! Manifests from users and programs: written by `init`, read from stdin, compared with the schema.

use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use crate::support::{Sandbox, code};

/// Returns a sandbox with two small photographs.
fn photos() -> Sandbox {
    let sandbox = Sandbox::new();
    for (name, color) in [("mug.png", [200, 40, 40]), ("chair.png", [40, 120, 60])] {
        let picture = image::RgbImage::from_fn(80, 80, |x, y| {
            let is_product = (20..60).contains(&x) && (20..60).contains(&y);
            image::Rgb(if is_product { color } else { [235, 235, 235] })
        });
        std::fs::create_dir_all(sandbox.path("photos")).unwrap();
        picture.save(sandbox.path("photos").join(name)).unwrap();
    }
    sandbox
}

#[test]
fn the_manifest_that_init_writes_can_be_run() {
    for out in ["catalog.yaml", "catalog.csv"] {
        let sandbox = photos();
        std::fs::create_dir(sandbox.path("photos/more")).unwrap();
        let printed = code(&sandbox.run(&format!("init photos -o {out} --colors navy,ocean=#1E90FF")), 0);
        assert!(printed.contains("2 pictures in 2 colors"), "{printed}");
        assert!(printed.contains("1 folder in photos is left out: `init` reads a single folder"), "{printed}");
        let printed = code(&sandbox.run(&format!("init photos -o {out}")), 2);
        assert!(printed.contains("it exists already") && printed.contains("--force"), "{printed}");
        code(&sandbox.run(&format!("run {out} --backend embedded --rate 50/s -o out")), 0);
        assert_eq!(
            sandbox.names("out/results"),
            ["chair-navy.png", "chair-ocean.png", "mug-navy.png", "mug-ocean.png"]
        );
    }
    let sandbox = Sandbox::new();
    sandbox.write("catalog.yaml", "");
    let printed = code(&sandbox.run("init nowhere"), 2);
    assert!(
        printed.contains("nowhere") && !printed.contains("exists already") && printed.contains("hint"),
        "{printed}"
    );
}

#[test]
fn a_file_that_ends_in_the_middle_of_a_row_is_reported() {
    let sandbox = Sandbox::new();
    let table =
        "id,prompt,images,seed\na,Make it navy,https://example.com/1.jpg,1\nb,Make it red,https://example.com/2";
    for (end, is_told) in [("", true), ("\n", false), (",", false), (",7", false)] {
        std::fs::write(sandbox.path("mugs.csv"), format!("{table}{end}")).unwrap();
        let printed = code(&sandbox.run("check mugs.csv --backend embedded"), 0);
        assert_eq!(
            printed.contains("the file ends here, with fewer cells than columns"),
            is_told,
            "{end:?}: {printed}"
        );
    }
}

#[test]
fn init_writes_a_valid_manifest_for_any_picture_names() {
    let names = [
        "mug 1.png",
        "MUG-1.png",
        "-rf.png",
        "ärger: #2 {x}.png",
        "{{ x }}.png",
        "a,\"b\".png",
        "[1].png",
        "日本.png",
        "!!!.png",
    ];
    for (out, more) in [("catalog.yaml", &["a|b.png", "mug.PNG"][..]), ("catalog.csv", &[]), ("other.yaml", &[])] {
        let sandbox = Sandbox::new();
        for name in names.iter().chain(more).chain(&[".hidden.png"]) {
            std::fs::create_dir_all(sandbox.path("odd [1] {names}")).unwrap();
            image::RgbImage::new(4, 4).save(sandbox.path("odd [1] {names}").join(name)).unwrap();
        }
        sandbox.write("odd [1] {names}/notes.txt", "no picture");
        let mut init = sandbox.dyehouse(&format!("init -o {out} --colors navy,Navy,ocean=#1E90FF"));
        let printed = code(&init.arg("odd [1] {names}").output().unwrap(), 0);
        let count = names.len() + more.len();
        assert!(printed.contains(&format!("{count} pictures in 2 colors")), "{printed}");
        let printed = code(&sandbox.run(&format!("check {out} --backend embedded")), 0);
        assert!(printed.contains(&format!("{} jobs", count * 2)), "{printed}");
    }
}

#[test]
fn init_writes_a_valid_manifest_for_long_and_unusual_names() {
    for out in ["catalog.yaml", "catalog.csv"] {
        let sandbox = Sandbox::new();
        std::fs::create_dir_all(sandbox.path("photos")).unwrap();
        let (long, umlauts) = ("a".repeat(200), "ä".repeat(100));
        for name in [&long, &format!("{long}b"), &umlauts, "tab\there", "line\nbreak", "mug"] {
            image::RgbImage::new(4, 4).save(sandbox.path("photos").join(format!("{name}.png"))).unwrap();
        }
        let printed = code(&sandbox.run(&format!("init photos -o {out} --colors navy,ocean=#1E90FF")), 0);
        assert!(printed.contains("4 pictures in 2 colors"), "{printed}");
        assert!(
            printed.contains("left out tab\\there.png") && printed.contains("left out line\\nbreak.png"),
            "{printed}"
        );
        let printed = code(&sandbox.run(&format!("check {out} --backend embedded")), 0);
        assert!(printed.contains("8 jobs"), "{printed}");
    }
    let printed = code(&photos().run(&format!("init photos --colors {}=#1E90FF", "blue".repeat(20))), 2);
    assert!(printed.contains("over 60 bytes") && printed.contains("shorter"), "{printed}");
}

#[test]
fn init_refuses_a_folder_without_usable_names_and_two_colors_with_one_name() {
    let sandbox = Sandbox::new();
    std::fs::create_dir_all(sandbox.path("photos")).unwrap();
    image::RgbImage::new(4, 4).save(sandbox.path("photos/a|b.png")).unwrap();
    let printed = code(&sandbox.run("init photos -o a.csv"), 2);
    assert!(printed.contains("it can contain none of the names of the pictures"), "{printed}");
    let printed = code(&sandbox.run("init photos -o a.yaml --colors red=#FF0000,Red=#B00000"), 2);
    assert!(printed.contains("failed to use the color name `Red` for two colors"), "{printed}");
    assert_eq!(sandbox.names("."), ["photos"]);
}

#[test]
fn pictures_in_a_folder_with_brackets_can_be_rows_of_a_pattern() {
    let sandbox = Sandbox::new();
    std::fs::create_dir_all(sandbox.path("new [a-z]")).unwrap();
    image::RgbImage::new(4, 4).save(sandbox.path("new [a-z]/mug.png")).unwrap();
    code(&sandbox.dyehouse("init -o a.yaml").arg("new [a-z]").output().unwrap(), 0);
    assert!(sandbox.read("a.yaml").contains("rows: \"new [[]a-z[]]/*.png\""), "{}", sandbox.read("a.yaml"));
    code(&sandbox.run("check a.yaml"), 0);
}

#[test]
fn the_manifest_can_be_read_from_stdin() {
    let sandbox = photos();
    let mut command = sandbox.dyehouse("run - --backend embedded --rate 50/s -o out");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = "{\"id\":\"a\",\"prompt\":\"make it #1E90FF\",\"images\":[\"photos/mug.png\"],\"sku\":17}\n";
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    code(&child.wait_with_output().unwrap(), 0);
    assert_eq!(sandbox.names("out/results"), ["a.png"]);
    assert!(sandbox.read("out/report/results.csv").contains("sku"));
}

#[test]
fn a_pattern_stands_for_the_pictures_of_one_job() {
    let sandbox = photos();
    sandbox.write("a.csv", "id,prompt,images\na,make image 1 navy,photos/*.png\nb,make it navy,photos/*.gif\n");
    let printed = code(&sandbox.run("check a.csv --backend embedded"), 2);
    assert!(printed.contains("no picture matches photos/*.gif"), "{printed}");
    code(&sandbox.run("run a.csv --backend embedded --only a -o out"), 2);
    sandbox.write("a.csv", "id,prompt,images\na,make image 1 navy,photos/*.png\n");
    code(&sandbox.run("run a.csv --backend embedded -o out"), 0);
    let plan = sandbox.read("out/plan.jsonl");
    assert!(plan.find("chair.png").unwrap() < plan.find("mug.png").unwrap(), "{plan}");
}

#[test]
fn local_pictures_are_inspected_again_only_if_they_changed() {
    let sandbox = photos();
    sandbox.write("a.csv", "id,prompt,images\na,make it navy,photos/mug.png\n");
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    let touch = |time| {
        let file = std::fs::File::options().append(true).open(sandbox.path("photos/mug.png")).unwrap();
        file.set_modified(time).unwrap();
    };
    touch(old);
    code(&sandbox.run("run a.csv --backend embedded -o out"), 0);
    let remembered = sandbox.read("out/pictures.jsonl");
    assert!(remembered.contains("mug.png"), "{remembered}");
    // The cache is trusted as long as size and time are the same, and no longer.
    let lied = remembered.replace("\"blake3\":\"", "\"blake3\":\"0000").replacen("0000", "", 0);
    let at = lied.find("\"blake3\":\"0000").unwrap() + "\"blake3\":\"".len() + 64;
    let lied = format!("{}{}", &lied[..at], &lied[at + 4..]);
    sandbox.write("out/pictures.jsonl", &lied);
    let plan = |sandbox: &Sandbox| {
        let checked = sandbox.run("check a.csv --backend embedded -o out --json").stdout;
        serde_json::from_slice::<Value>(&checked).unwrap()["plan"].clone()
    };
    assert_eq!(plan(&sandbox)["changed"], 1, "another hash is another edit: the memory was used");
    touch(old + std::time::Duration::from_secs(60));
    assert_eq!(plan(&sandbox)["reused"], 1, "the file was looked at again");
}

#[test]
fn check_warns_of_probable_mistakes_and_counts_the_requested_values() {
    let sandbox = Sandbox::new();
    let rows: String = (0..9)
        .map(|number| format!("j{number},make it #1E90FF number {number},https://x/{number}.png,small\n"))
        .collect();
    let four = "https://x/1.png|https://x/2.png|https://x/3.png|https://x/4.png";
    sandbox.write("a.csv", format!("id,prompt,images,size\n{rows}twin,make it #1E90FF number 3,https://x/3.png,small\nplain,make it nicer,{four},\n"));
    let printed = code(&sandbox.run("check a.csv"), 0);
    for part in [
        "more than 3 images",
        "the same edit as j3, under another id",
        "no color in the prompt",
        "colors: #1E90FF ×10",
        "sizes: small ×10",
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    let checked: Value = serde_json::from_slice(&sandbox.run("check a.csv --json").stdout).unwrap();
    let warnings = checked["warnings"].as_array().unwrap();
    let lines: Vec<u64> = warnings.iter().filter_map(|warning| warning["line"].as_u64()).collect();
    assert_eq!((lines, &warnings[0]["job"]), (vec![11, 12, 12], &"twin".into()));
    assert_eq!((&checked["plan"]["jobs"], &checked["plan"]["colors"]["#1E90FF"]), (&11.into(), &10.into()));
}

#[test]
fn check_warns_of_formats_that_may_not_be_read_and_of_ids_that_became_dates() {
    let sandbox = Sandbox::new();
    let rows = "3-Jan,make it navy,https://x.de/a.heic\nb,make it red,https://x.de/a.svg?v=1\n";
    sandbox.write("a.csv", format!("id,prompt,images\n{rows}"));
    let printed = code(&sandbox.run("check a.csv"), 0);
    for part in ["the API may not support the picture's format (and in 1 more)", "a.csv:2:20", "the id contains a date"]
    {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    let printed = code(&sandbox.run("check a.csv --limit 0"), 0);
    assert!(printed.contains("--limit 0") && !printed.contains("when:"), "{printed}");
}

#[test]
fn check_warns_of_ids_from_cells_that_a_spreadsheet_changed() {
    let sandbox = Sandbox::new();
    let template = "template:\n  id: '{{ sku }}-{{ color }}'\n  prompt: Make it {{ color }}\n  images: '{{ url }}'\n";
    sandbox.write("a.yaml", format!("rows: rows.csv\nmatrix: {{color: [red, blue]}}\n{template}"));
    for (sku, told) in
        [("1-Mar", "the id contains a date"), ("4.00638E+12", "shortened (and in 1 more)"), ("12-March", "")]
    {
        // A date in a column that is not part of the id is an ordinary value.
        sandbox.write("rows.csv", format!("sku,url,launch\n{sku},https://x.de/a.jpg,1-Mar\n"));
        let printed = code(&sandbox.run("check a.yaml"), 0);
        assert_eq!(printed.contains("rows.csv:2"), !told.is_empty(), "{printed}");
        assert!(printed.contains(told), "{printed}");
    }
}

#[test]
fn check_warns_of_pictures_in_networks_that_the_provider_cannot_reach() {
    let sandbox = Sandbox::new();
    sandbox.write("a.csv", "id,prompt,images\na,p,http://localhost:8000/a.png\nb,p,http://192.168.1.7/a.png\n");
    let printed = code(&sandbox.run("check a.csv"), 0);
    for part in ["a.csv:2:5", "cannot reach (and in 1 more)", "images_via: inline", "--base-url"] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    let printed = code(&sandbox.run("check a.csv --backend embedded"), 0);
    assert!(!printed.contains("cannot reach"), "{printed}");
}

#[test]
fn check_warns_of_empty_cells_that_leave_gaps_but_not_of_those_with_a_default() {
    let sandbox = Sandbox::new();
    sandbox.write("rows.csv", "sku,title\nm1,Mug\nm2,\nm3,\n");
    let manifest = |title: &str| {
        format!(
            "rows: rows.csv\ntemplate:\n  id: '{{{{ sku }}}}'\n  prompt: 'Make the {title} #1E90FF'\n  images: 'https://x/{{{{ sku }}}}.jpg'\n"
        )
    };
    sandbox.write("a.yaml", manifest("{{ title }}"));
    let printed = code(&sandbox.run("check a.yaml"), 0);
    assert!(printed.contains("an empty cell leaves a gap in the prompt or in the id (and in 1 more)"), "{printed}");
    assert!(printed.contains("rows.csv:3:4") && printed.contains("3 | m2,"), "{printed}");
    for shaped in ["{{ title | lower }}", "{{ title ~ \" mug\" }}", "{{ title | replace(\"a\", \"b\") | trim }}"] {
        sandbox.write("a.yaml", manifest(shaped));
        let printed = code(&sandbox.run("check a.yaml"), 0);
        assert!(printed.contains("an empty cell leaves a gap"), "{shaped}: {printed}");
    }
    for whole in [
        "{{ title | default(\"product\") }}",
        "{{ title or \"product\" }}",
        "{% if title %}{{ title }}{% else %}product{% endif %}",
        "{{ \"mug\" if title == \"Mug\" else \"product\" }}",
    ] {
        sandbox.write("a.yaml", manifest(whole));
        let printed = code(&sandbox.run("check a.yaml"), 0);
        assert!(!printed.contains("gap"), "{whole}: {printed}");
    }
}

#[test]
fn a_suggested_file_has_the_path_that_the_manifest_would_use() {
    let sandbox = photos();
    std::fs::create_dir_all(sandbox.path("lists")).unwrap();
    std::fs::create_dir_all(sandbox.path("lists/photos")).unwrap();
    std::fs::copy(sandbox.path("photos/mug.png"), sandbox.path("lists/photos/mug.png")).unwrap();
    sandbox.write("lists/a.csv", "prompt,images\nmake it navy,photos/mgu.png\n");
    let printed = code(&sandbox.run("check lists/a.csv --backend embedded"), 2);
    assert!(printed.contains("did you mean `photos/mug.png`?"), "{printed}");
}

#[cfg(unix)]
#[test]
fn a_picture_that_is_not_a_file_is_reported_without_blocking() {
    let sandbox = photos();
    let made = std::process::Command::new("mkfifo").arg(sandbox.path("pipe.png")).status().unwrap();
    assert!(made.success());
    std::os::unix::fs::symlink("round.png", sandbox.path("round.png")).unwrap();
    std::fs::write(sandbox.path("cut.jpg"), b"\xFF\xD8\xFF\xE0\0\x10JFIF\0").unwrap();
    let row = |name: &str| format!("make it navy,{name}\n");
    let rows: String = ["pipe.png", "round.png", "photos", "cut.jpg"].into_iter().map(row).collect();
    sandbox.write("a.csv", format!("prompt,images\n{rows}"));
    let printed = code(&sandbox.run("check a.csv --backend embedded"), 2);
    for part in [
        "pipe.png cannot be used: it is not a file",
        "symbolic links form a circle",
        "photos cannot be used: it is a folder",
        "photos/*.jpg",
        "the JPEG is cut off",
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
}

#[test]
fn a_table_is_checked_in_its_encoding_even_if_it_only_shows_far_down() {
    let sandbox = Sandbox::new();
    let rows: String = (0..5000).map(|row| format!("mug-{row},make it navy,https://x/{row}.png\n")).collect();
    let check = |first: &str, last: &[u8]| {
        let text = [b"id,prompt,images\n", first.as_bytes(), rows.as_bytes(), last].concat();
        sandbox.write("catalog.csv", text);
        sandbox.run("check catalog.csv --json")
    };
    let printed = code(&check("", b"cup,make the caf\xe9 blue,https://x/a.png\n"), 0);
    assert_eq!(printed.matches("byte 0xE9 is not UTF-8: the file is read as windows-1252").count(), 1, "{printed}");
    let printed = code(&check("", b"cup,make the caf\xc3\xa9 blue,https://x/a.png\n"), 0);
    assert!(printed.contains("\"warnings\": []"), "{printed}");
    let printed =
        code(&check("vase,make the vase grün,https://x/b.png\n", b"cup,make the caf\xe9 blue,https://x/a.png\n"), 2);
    assert!(printed.contains("byte 0xE9 is not UTF-8, and what comes before it is"), "{printed}");
}

#[test]
fn the_schema_and_the_reader_agree() {
    let sandbox = Sandbox::new();
    sandbox.write("rows.csv", "sku,file\nm1,a.png\n");
    let schema: Value = serde_json::from_slice(&sandbox.run("schema").stdout).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let job = "{prompt: make it navy, images: 'https://x/a.png'}";
    let template = "template: {prompt: make it navy, images: 'https://x/{{ file }}', id: '{{ sku }}'}";
    let good = [
        format!("jobs: [{job}]"),
        format!("version: 1\nbackend: embedded\nmodel: flux-2-pro-edit\nrun: {{rate: 10/min, in_flight: 3, budget: 2.5, deadline: 6h}}\njobs: [{job}]"),
        format!("run: {{rate: AUTO}}\ndefaults: {{size: Large}}\njobs: [{job}]"),
        format!("defaults: {{size: small, seed: 0, enable_sync_mode: true, color: navy}}\njobs: [{job}]"),
        "jobs: [{id: a, prompt: p, images: ['https://x/a.png', b.png], seed: 10000, columns: {sku: 17, on: true}}]".to_owned(),
        format!("rows: rows.csv\n{template}"),
        format!("rows: [{{sku: m, file: a.png}}]\nmatrix: {{color: [navy, teal]}}\n{}", template.replace("{{ sku }}", "{{ sku }}-{{ color }}")),
        "matrix: {color: [{name: a, hex: '#123456'}]}\ntemplate: {when: true, id: '{{ color.name }}', prompt: p, images: [a.png]}".to_owned(),
    ];
    let bad = [
        "{}".to_owned(),
        "jobs: []".to_owned(),
        "jobs: [make it navy]".to_owned(),
        format!("version: 2\njobs: [{job}]"),
        format!("backend: other\njobs: [{job}]"),
        format!("run: {{speed: 3}}\njobs: [{job}]"),
        format!("run: {{in_flight: 0}}\njobs: [{job}]"),
        format!("run: {{budget: -1}}\njobs: [{job}]"),
        format!("defaults: {{id: a}}\njobs: [{job}]"),
        "jobs: [{promt: p, images: a.png}]".to_owned(),
        "jobs: [{prompt: p, images: a.png, seed: 10001}]".to_owned(),
        "jobs: [{prompt: p, images: a.png, seed: 1.5}]".to_owned(),
        "jobs: [{prompt: p, images: a.png, size: huge}]".to_owned(),
        "jobs: [{prompt: p, images: a.png, color: 000080}]".to_owned(),
        "jobs: [{prompt: p, images: a.png, color: 1e0100}]".to_owned(),
        "jobs: [{prompt: p, images: a.png, enable_sync_mode: maybe}]".to_owned(),
        "jobs: [{prompt: p, images: [1, 2, 3, 4, 5, 6, 7, 8, 9]}]".to_owned(),
        format!("rows: rows.csv\njobs: [{job}]\n{template}"),
        "rows: rows.csv".to_owned(),
        template.to_owned(),
        format!("rows: rows.csv\nmatrix: {{color: []}}\n{template}"),
        format!("rows: rows.csv\nmatrix: {{color: navy}}\n{template}"),
        format!("rows: rows.csv\n{}", template.replace("prompt", "promt")),
    ];
    for (manifests, is_good) in [(&good[..], true), (&bad[..], false)] {
        for text in manifests {
            let path = sandbox.write("a.yaml", text);
            let is_read = dyehouse::manifest::Manifest::open(&path)
                .is_ok_and(|manifest| manifest.jobs().is_ok_and(|mut jobs| jobs.all(|job| job.is_ok())));
            let value: Value = serde_yaml::from_str(text).unwrap();
            assert_eq!((is_read, schema.is_valid(&value)), (is_good, is_good), "reader, schema: {text}");
        }
    }
}

#[test]
fn ids_that_name_one_file_on_some_systems_get_a_warning_before_and_during_a_run() {
    let sandbox = photos();
    let rows = ["Mug,Make it #1E90FF,photos/mug.png", "mug,Make it #B22222,photos/mug.png"];
    sandbox.write("a.csv", format!("id,prompt,images\n{}\n", rows.join("\n")));
    let checked: Value = serde_json::from_str(&code(&sandbox.run("check a.csv --backend embedded --json"), 0)).unwrap();
    let warning = &checked["warnings"][0];
    assert_eq!((warning["line"].as_u64(), warning["job"].as_str()), (Some(3), Some("mug")), "{warning}");
    assert!(warning["message"].as_str().unwrap().contains("that of line 2 only in capitals"), "{warning}");
    assert!(warning["hint"].as_str().unwrap().contains("both results would be the same file"), "{warning}");
    let printed = code(&sandbox.run("run a.csv --backend embedded --rate 50/s -o out"), 0);
    assert!(printed.contains("only in capitals"), "{printed}");
}
