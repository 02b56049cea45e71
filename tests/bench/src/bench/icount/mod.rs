//! `icount`: instructions of the hot parts, which repeat exactly where times don't. Each part runs
//! under callgrind with two counts; the difference is what one operation costs. The figures kept in
//! `icount.json` are the peer: one per cent more is an alarm. `PARLOUR_BLESS=1` keeps new ones.

pub(crate) mod parts;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Context;
use crate::harness::figure::{Better, Figure, Goal, Sample, Side, Title};
use crate::harness::report::Report;
use crate::harness::{Outcome, during};
use parts::Part;

/// The word that makes this program run one part.
pub(crate) const WORD: &str = "--part";
/// Counts are taken between so many operations and twice as many.
const FEW: u64 = 200;
const TOLERANCE: f64 = 0.01;

/// What was kept, and the compiler it holds for: another one makes other instructions.
#[derive(Default, Serialize, Deserialize)]
struct Kept {
    rustc: String,
    instructions: BTreeMap<String, f64>,
}

pub(crate) fn run(_: &Context<'_>, report: &mut Report) -> Outcome {
    install()?;
    let rustc = rustc()?;
    let kept = load()?;
    let comparable = kept.rustc == rustc;
    let mut now = Kept { rustc, ..Kept::default() };
    for part in parts::ALL {
        let each = (count(part, 2 * FEW)? - count(part, FEW)?) as f64 / FEW as f64;
        now.instructions.insert(part.name.to_owned(), each);
        let before = kept.instructions.get(part.name).copied().filter(|_| comparable);
        report.add(&figure(part, each, before, &now.rustc));
    }
    if std::env::var_os("PARLOUR_BLESS").is_some() {
        let text = serde_json::to_string_pretty(&now).map_err(during("icount.json"))?;
        std::fs::write(path(), text + "\n").map_err(during("icount.json"))?;
    }
    Ok(())
}

fn figure(part: &Part, each: f64, before: Option<f64>, rustc: &str) -> Figure {
    let sample = |value| Sample { value: Some(value), load1: 0.0, ..Sample::default() };
    let (mine, theirs) = ([sample(each)], before.map(sample));
    let title = Title {
        bench: "icount",
        params: json!({ "part": part.name, "is": part.is }),
        unit: "instructions/op",
        better: Better::Less,
        goal: before.map(|_| Goal::Ratio(1.0 / (1.0 + TOLERANCE))),
    };
    let version = env!("CARGO_PKG_VERSION");
    let subject = Side { name: "parlour", version, samples: &mine };
    let peer = theirs.as_ref().map(|sample| Side {
        name: "itself",
        version: rustc,
        samples: std::slice::from_ref(sample),
    });
    Figure::new(&title, &subject, peer.as_ref())
}

/// Instructions of a whole run of a part.
fn count(part: &Part, operations: u64) -> Outcome<u64> {
    let myself = std::env::current_exe().map_err(during("own path"))?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(myself)
        .args([WORD, part.name, &operations.to_string()])
        .stdin(Stdio::null())
        .output()
        .map_err(during("valgrind"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("{} under valgrind: {}", part.name, said.trim()));
    }
    said.lines()
        .find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
        .ok_or_else(|| format!("valgrind said no count: {}", said.trim()))
}

/// Valgrind is one of Debian's packages; installed when it isn't there.
fn install() -> Outcome {
    if Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_ok() {
        return Ok(());
    }
    eprintln!("installing valgrind from Debian's packages");
    let mut apt = Command::new("apt-get");
    apt.args(["install", "--yes", "--quiet", "valgrind"]).stdout(Stdio::null());
    let status = apt.status().map_err(during("apt-get"))?;
    if status.success() { Ok(()) } else { Err(format!("apt-get: {status}")) }
}

fn rustc() -> Outcome<String> {
    let output = Command::new("rustc").arg("--version").output().map_err(during("rustc"))?;
    let (arch, text) = (std::env::consts::ARCH, String::from_utf8_lossy(&output.stdout));
    Ok(format!("{} on {arch}", text.trim()))
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("icount.json")
}

fn load() -> Outcome<Kept> {
    match std::fs::read_to_string(path()) {
        Ok(text) => serde_json::from_str(&text).map_err(during("icount.json")),
        Err(_) => Ok(Kept::default()),
    }
}

/// Runs one part, for the process under callgrind.
pub(crate) fn run_part(name: Option<String>, operations: Option<String>) -> Outcome {
    let part = name.and_then(|name| parts::ALL.iter().find(|part| part.name == name));
    let part = part.ok_or("no such part")?;
    let operations = operations.and_then(|count| count.parse().ok()).ok_or("how often?")?;
    (part.run)(operations);
    Ok(())
}
