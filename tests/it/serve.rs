//! `dyehouse serve`, with the documented requests of the API.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::support::{Sandbox, wait_until};

struct Served {
    child: Child,
    url: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn serve(sandbox: &Sandbox) -> Served {
    let mut command = sandbox.dyehouse("serve --listen 127.0.0.1:0 --data served");
    let mut child = command.env("VIBEDREAM_API_KEY", "k").stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap().to_owned();
    Served { child, url }
}

fn curl(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("curl").args(["-sS", "--noproxy", "*"]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn json(arguments: &[&str]) -> serde_json::Value {
    serde_json::from_slice(&curl(arguments)).unwrap()
}

#[test]
fn the_documented_commands_lead_to_a_picture_also_after_a_restart() {
    let sandbox = Sandbox::new();
    let photo = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/manifests/photos/mug.jpg")).unwrap();
    let body = serde_json::json!({
        "prompt": "Change the red mug's color to #1E90FF, keep the background",
        "images": [dyehouse_data_uri(&photo)],
        "size": "small",
        "seed": 0,
        "enable_sync_mode": false,
        "enable_base64_output": false,
        "enable_safety_checker": false,
    });
    sandbox.write("body.json", body.to_string());
    let (key, content) = ("Authorization: Bearer k", "Content-Type: application/json");
    let served = serve(&sandbox);
    let url = format!("{}/api/v1/models/flux-2-pro-edit/generate", served.url);
    let body = format!("@{}", sandbox.path("body.json").display());
    let submitted = json(&["-X", "POST", &url, "-H", content, "-H", key, "-d", &body]);
    assert_eq!((submitted["status"].as_str(), submitted["costCents"].as_u64()), (Some("processing"), Some(7)));
    let id = submitted["id"].as_str().unwrap();

    let poll = |served: &Served| json(&[&format!("{}/api/v1/predictions/{id}", served.url), "-H", key]);
    wait_until("the prediction ends", || poll(&served)["status"] != "processing");
    drop(served);
    let served = serve(&sandbox);
    let done = poll(&served);
    assert_eq!(done["status"], "completed", "{done}");
    let picture = curl(&[done["outputs"][0].as_str().unwrap()]);
    let picture = image::load_from_memory_with_format(&picture, image::ImageFormat::Png).unwrap();
    assert_eq!((picture.width(), picture.height()), (512, 512));
    let refused =
        json(&["-X", "POST", &url.replace(&url[..url.find("/api").unwrap()], &served.url), "-H", content, "-d", &body]);
    assert!(refused["error"].is_string(), "{refused}");
}

fn dyehouse_data_uri(bytes: &[u8]) -> String {
    use base64::Engine;
    format!("data:image/jpeg;base64,{}", base64::engine::general_purpose::STANDARD.encode(bytes))
}
