//! `icount`: instructions of the hot parts, which repeat exactly where times don't. Each part runs
//! under callgrind with two counts; the difference is what one operation costs. The figures kept in
//! `icount.json` are the peer: one per cent more is an alarm, and so is having none to compare with.
//! `PARLOUR_BLESS=1` keeps new ones.

pub(crate) mod parts;
mod storage;

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
/// What permissions may cost: a send to a room with roles and overrides beside one to a room without.
const PERMISSIONS: (&str, &str) = ("route-node-1000", "route-1000");
const PERMISSIONS_MAX: f64 = 1.15;

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
    let keeps = std::env::var_os("PARLOUR_BLESS").is_some();
    let mut now = Kept { rustc, ..Kept::default() };
    for part in parts::ALL {
        let each = (count(part, 2 * FEW)? - count(part, FEW)?) as f64 / FEW as f64;
        now.instructions.insert(part.name.to_owned(), each);
        report.add(&figure(part, each, before(&kept, &now.rustc, part.name), &now.rustc, keeps));
    }
    report.add(&permissions(&now));
    if keeps {
        let text = serde_json::to_string_pretty(&now).map_err(during("icount.json"))?;
        std::fs::write(path(), text + "\n").map_err(during("icount.json"))?;
    }
    Ok(())
}

/// The kept count of a part, or why there is none that can be compared with.
fn before(kept: &Kept, rustc: &str, part: &str) -> Result<f64, String> {
    if kept.rustc != rustc {
        return Err(format!("no kept count for this compiler ({rustc}), only for {}", kept.rustc));
    }
    let before = kept.instructions.get(part).copied();
    before.ok_or_else(|| format!("no kept count of {part} yet"))
}

/// One part beside its kept count. Where there is none nothing was compared, and that isn't right,
/// unless it is about to be kept.
fn figure(part: &Part, each: f64, before: Result<f64, String>, rustc: &str, keeps: bool) -> Figure {
    let fault = before.as_ref().err().filter(|_| !keeps).cloned();
    let mine = [Sample { fault, ..counted(each) }];
    let theirs = before.ok().map(counted);
    let title = Title {
        bench: "icount",
        params: json!({ "part": part.name, "is": part.is }),
        unit: "instructions/op",
        better: Better::Less,
        goal: theirs.as_ref().map(|_| Goal::Ratio(1.0 / (1.0 + TOLERANCE))),
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

/// A send with permissions beside one without, both counted in this run.
fn permissions(now: &Kept) -> Figure {
    let (with, without) = PERMISSIONS;
    let sample = |part: &str| match now.instructions.get(part) {
        Some(each) => counted(*each),
        None => Sample::failed(format!("{part} wasn't counted")),
    };
    let (mine, theirs) = ([sample(with)], [sample(without)]);
    let title = Title {
        bench: "icount",
        params: json!({ "part": with, "beside": without }),
        unit: "instructions/op",
        better: Better::Less,
        goal: Some(Goal::Ratio(1.0 / PERMISSIONS_MAX)),
    };
    let version = env!("CARGO_PKG_VERSION");
    let subject = Side { name: "parlour", version, samples: &mine };
    let peer = Side { name: without, version: &now.rustc, samples: &theirs };
    Figure::new(&title, &subject, Some(&peer))
}

fn counted(each: f64) -> Sample {
    Sample { value: Some(each), load1: 0.0, ..Sample::default() }
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

#[cfg(test)]
#[path = "icount_tests.rs"]
mod tests;
