//! Power cuts: a preloaded shim forgets or tears what wasn't synced, and ends the process. What
//! was acknowledged has to be there, bodies of 60 KiB included.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use parlour_adapters::Kind;

use crate::{
    args::Args,
    crash_kill,
    report::{Report, quantiles_ms},
    rng::Rng,
    store,
    truth::{Said, Truth, scrub},
};

const CUTS_PER_STORE: u64 = 10;
const SHIM: &str = include_str!("../shim/power_cut.c");

pub(crate) fn run(args: &Args) -> Report {
    let cuts = args.count(200, 10);
    let mut report = Report::default();
    let tools = tempfile::tempdir().expect("a scratch folder");
    let shim = match compile(tools.path()) {
        Ok(shim) => shim,
        Err(problem) => {
            report.violation(&format!("the shim doesn't compile: {problem}"));
            return report;
        }
    };
    for kind in args.stores() {
        report.part(kind.name(), run_on(args, kind, cuts, &shim));
    }
    report
}

/// Compiles the shim with the system's C compiler.
fn compile(folder: &Path) -> Result<PathBuf, String> {
    let (source, library) = (folder.join("power_cut.c"), folder.join("power_cut.so"));
    std::fs::write(&source, SHIM).map_err(|error| error.to_string())?;
    let mut compiler = Command::new("cc");
    compiler.args(["-O2", "-fPIC", "-shared", "-o"]).arg(&library).arg(&source).arg("-ldl");
    match compiler.status() {
        Ok(status) if status.success() => Ok(library),
        Ok(status) => Err(status.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

fn run_on(args: &Args, kind: Kind, cuts: u64, shim: &Path) -> Report {
    let mut report = Report::default();
    let mut rng = Rng::new(args.seed);
    let (mut acked, mut in_recovery, mut uncut) = (0, 0, 0);
    let (mut reopens, mut scratch, mut truth) = (Vec::new(), None, Truth::default());
    let runtime = store::runtime();
    for cut in 0..cuts {
        if cut % CUTS_PER_STORE == 0 {
            scratch = Some(tempfile::tempdir().expect("a scratch folder"));
            truth = Truth::default();
        }
        let root = scratch.as_ref().expect("made above").path();
        let path = root.join("store");
        // A third of the cuts come early enough to meet the recovery.
        let at = if rng.below(3) == 0 { 1 + rng.below(10) } else { 1 + rng.below(3_000) };
        let environment = [
            ("LD_PRELOAD", shim.display().to_string()),
            ("POWER_CUT_ROOT", root.display().to_string()),
            ("POWER_CUT_AT", at.to_string()),
            ("POWER_CUT_SEED", rng.next().to_string()),
        ];
        let mut child = crash_kill::start(kind, &path, &environment);
        let said = Said::read(child.stdout.take().expect("stdout is piped"));
        let status = child.wait().expect("it was started");
        let failures = &said.failures;
        report.expect(failures.is_empty(), || format!("cut {cut}: child: {failures:?}"));
        uncut += u64::from(status.code() != Some(137));
        in_recovery += u64::from(said.opening && !said.open);
        acked += said.acked.len();
        truth.add(&said);
        let since = Instant::now();
        match store::open(&runtime, kind, store::options(&path)) {
            Ok(store) => {
                reopens.push(since.elapsed());
                runtime.block_on(truth.compare(&*store, &mut report));
            }
            Err(error) => report.violation(&format!("cut {cut} at {at}: doesn't open: {error}")),
        }
        if (cut + 1) % CUTS_PER_STORE == 0 || cut + 1 == cuts {
            scrub(&store::options(&path), &mut report);
            args.progress(&format!("power-cut {kind}: {} of {cuts}, {acked} acked", cut + 1));
        }
    }
    report.expect(uncut == 0, || format!("{uncut} children ended without a cut"));
    report.trials(cuts);
    report.figure("cuts", cuts);
    report.figure("cuts_inside_recovery", in_recovery);
    report.figure("acked", acked);
    report.figure("reopen_ms", quantiles_ms(reopens));
    report
}
