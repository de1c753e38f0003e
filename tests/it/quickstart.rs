//! The quickstart.

use crate::support::{Sandbox, code};

const MANIFEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/manifests/quickstart.yaml");

#[test]
fn the_quickstart_leaves_twelve_recolored_pictures_and_a_report() {
    let sandbox = Sandbox::new();
    let printed = code(&sandbox.run(&format!("run {MANIFEST} -o out")), 0);
    assert!(printed.contains("12 jobs completed") && !printed.contains("same picture"), "{printed}");
    assert_eq!(sandbox.names("out/results").len(), 12);
    let mug = image::open(sandbox.path("out/results/mug-ocean.png")).unwrap().to_rgb8();
    let body = mug.get_pixel(mug.width() * 2 / 5, mug.height() * 6 / 10);
    assert!(body[2] > body[0].saturating_add(60), "the mug is blue: {body:?}");
    let corner = mug.get_pixel(4, 4);
    let before = image::open(concat!(env!("CARGO_MANIFEST_DIR"), "/manifests/photos/mug.jpg")).unwrap().to_rgb8();
    let distance = corner.0.iter().zip(before.get_pixel(4, 4).0).map(|(one, other)| one.abs_diff(other)).max();
    assert!(distance.unwrap() < 6, "the background is kept");

    let page = sandbox.read("out/report/index.html");
    assert!(page.contains("quickstart"));
    let rows = csv::Reader::from_path(sandbox.path("out/report/results.csv")).unwrap().into_records().count();
    assert_eq!(rows, 12);

    let printed = code(&sandbox.run(&format!("run {MANIFEST} -o out")), 0);
    assert!(
        !printed.contains("left to do") && printed.contains("nothing to do: all 12 jobs are completed"),
        "{printed}"
    );
    let cost = "cost      nothing; the provider would charge $0.84";
    let status = code(&sandbox.run("status out"), 0);
    assert!(printed.contains(cost) && status.contains(cost), "{printed}{status}");
    let check = code(&sandbox.run(&format!("check {MANIFEST} -o out")), 0);
    assert!(!check.contains('$'), "nothing was spent: {check}");
    code(&sandbox.run("report out"), 0);
}

#[test]
fn an_unsupported_instruction_fails_with_the_supported_ones() {
    let sandbox = Sandbox::new();
    let photos = concat!(env!("CARGO_MANIFEST_DIR"), "/manifests/photos");
    sandbox.write("hat.csv", format!("id,prompt,images\nhat,Add a hat,{photos}/mug.jpg\n"));
    let printed = code(&sandbox.run("run hat.csv --backend embedded -o out"), 3);
    assert!(printed.contains("failed") && printed.contains("color"), "{printed}");
    let failed = sandbox.read("out/report/failed.csv");
    sandbox.write("again.csv", failed.replace("Add a hat", "Make the mug #1E90FF"));
    code(&sandbox.run("run again.csv --backend embedded -o out"), 0);
}

#[test]
fn check_prints_the_plan_and_writes_nothing() {
    let sandbox = Sandbox::new();
    let output = sandbox.run(&format!("check {MANIFEST} --json"));
    code(&output, 0);
    let checked: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let plan = &checked["plan"];
    assert_eq!(
        (plan["jobs"].as_u64(), plan["new"].as_u64(), plan["estimate_cents"].as_u64()),
        (Some(12), Some(12), Some(84))
    );
    assert!(sandbox.names(".").is_empty());
}
