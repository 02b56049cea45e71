//! The commands of docs/http.md do what the page says.

use std::{fs, path::Path, process::Command};

use parlour_features::{
    server::{Options, ROOMY, Server},
    token::claims,
    world::ORG,
};

#[test]
fn the_examples_of_the_page_run() {
    if Command::new("curl").arg("--version").output().is_err() {
        println!("SKIPPED: no curl on this machine");
        return;
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/http.md");
    let page = fs::read_to_string(page).expect("the page is there");
    let blocks: Vec<&str> =
        page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() >= 7, "{}", blocks.len());
    let server = Server::start(Options::config(ROOMY));
    let token = server.sign(&claims(ORG, "ada"));
    // Address and token are the reader's own.
    let own = format!("HTTP=http://{}\nTOKEN={token}\n", server.ready().http);
    let script = format!("set -eu\n{own}{}", blocks[1..].join("\necho\n"));
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(server.root())
        .output()
        .expect("bash can be run");
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    let errors = out.matches("\"error\"").count();
    assert_eq!(errors, 1, "one is wrong on purpose: {out}");
    assert!(out.contains("\"deduplicated\":true"), "{out}");
    assert!(
        out.contains("\"text\":\"The build is done\"") && out.contains("{\"end\":{}}"),
        "{out}"
    );
}
