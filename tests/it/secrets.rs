//! Sources of the key: a variable, a file, or a systemd credential.

use crate::support::{Behavior, Provider, Sandbox, code};

#[test]
fn the_key_is_read_from_a_file_or_from_a_credential_of_systemd() {
    let provider = Provider::start(Behavior::default());
    for (name, variable) in [("key", "VIBEDREAM_API_KEY_FILE"), ("vibedream-api-key", "CREDENTIALS_DIRECTORY")] {
        let sandbox = Sandbox::new();
        sandbox.manifest("catalog.csv", 2);
        let file = sandbox.write(name, format!("{}\n", Provider::KEY));
        let mut run = sandbox.dyehouse("run catalog.csv -o out --rate 100/s");
        let place = if name == "key" { file.as_path() } else { file.parent().unwrap() };
        run.env("VIBEDREAM_BASE_URL", &provider.url).env(variable, place);
        let printed = code(&run.output().unwrap(), 0);
        assert!(printed.contains("2 jobs completed") && !printed.contains(Provider::KEY), "{printed}");
    }
    assert_eq!(provider.accepted(), 4);
}

#[test]
fn a_file_without_a_key_ends_the_run_before_anything_is_created() {
    let sandbox = Sandbox::new();
    sandbox.manifest("catalog.csv", 2);
    sandbox.write("empty", "\n");
    for (file, cause) in [("empty", "it is empty"), ("missing", "No such file")] {
        let output = sandbox.dyehouse("run catalog.csv -o out").env("VIBEDREAM_API_KEY_FILE", file).output().unwrap();
        let printed = code(&output, 1);
        assert!(
            printed.contains(&format!("failed to read {file}, which VIBEDREAM_API_KEY_FILE names: {cause}")),
            "{printed}"
        );
    }
    assert!(!sandbox.path("out").exists());
}

#[cfg(unix)]
#[test]
fn a_world_readable_key_file_is_reported_once_and_used() {
    use std::os::unix::fs::PermissionsExt;
    let (sandbox, provider) = (Sandbox::new(), Provider::start(Behavior::default()));
    sandbox.manifest("catalog.csv", 1);
    let file = sandbox.write("key", Provider::KEY);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let mut run = sandbox.dyehouse("run catalog.csv -o out");
    run.env("VIBEDREAM_BASE_URL", &provider.url).env("VIBEDREAM_API_KEY_FILE", &file);
    let printed = code(&run.output().unwrap(), 0);
    assert_eq!(printed.matches("can be read by every user").count(), 1, "{printed}");
    assert!(printed.lines().any(|line| line.starts_with("warning: ") && line.contains("can be read")), "{printed}");
}
