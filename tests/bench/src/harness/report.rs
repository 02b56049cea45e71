//! Prints figures: JSON lines for programs, a table for people. Doubts go to the error output.

use super::figure::Figure;

/// Prints as figures come, and remembers whether all were right.
pub(crate) struct Report {
    json: bool,
    rows: Vec<Vec<String>>,
    all_ok: bool,
}

impl Report {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, rows: Vec::new(), all_ok: true }
    }

    #[allow(clippy::print_stdout, reason = "the lines are what the program is for")]
    pub(crate) fn add(&mut self, figure: &Figure) {
        self.all_ok &= figure.is_ok();
        for doubt in &figure.doubts {
            eprintln!("not valid: {doubt}");
        }
        if self.json {
            println!("{}", figure.json());
        } else {
            self.rows.push(figure.row());
        }
    }

    /// Ends one benchmark's table.
    #[allow(clippy::print_stdout, reason = "the table is what the program is for")]
    pub(crate) fn close(&mut self, bench: &str) {
        if self.json || self.rows.is_empty() {
            return;
        }
        let head = ["", "subject", "median", "spread", "peer", "median", "ratio", "goal", ""];
        let mut rows = vec![head.map(ToOwned::to_owned).to_vec()];
        rows.append(&mut self.rows);
        println!("\n{bench}");
        for line in aligned(&rows) {
            println!("{line}");
        }
    }

    pub(crate) fn all_ok(&self) -> bool {
        self.all_ok
    }
}

fn aligned(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(String::len).max();
    let widths: Vec<usize> = (0..columns).map(|at| width(at).unwrap_or(0)).collect();
    rows.iter()
        .map(|row| {
            let cells: Vec<String> =
                row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            format!("  {}", cells.join("  ").trim_end())
        })
        .collect()
}
