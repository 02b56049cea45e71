//! What is made of the table of keys: the default file and the reference.

use std::fmt::Write;

use super::KEYS;

/// The fully commented default file: descriptions after `# `, settings after `#`.
pub fn default_file() -> String {
    let mut text = String::from(
        "# Parlour's configuration. Every key is optional; what is commented out is the default,\n\
         # or an example where it says so.\n",
    );
    let mut section = "";
    for key in KEYS {
        if key.section() != section {
            section = key.section();
            let is_list = matches!(section, "auth.keys" | "auth.oidc");
            let (open, close) = if is_list { ("#[[", "]]") } else { ("[", "]") };
            let _ = write!(text, "\n{open}{section}{close}\n");
        } else if !key.doc.is_empty() {
            text.push('\n');
        }
        for line in key.doc.lines() {
            let _ = writeln!(text, "# {line}");
        }
        let note = if key.example { "  # example" } else { "" };
        let _ = writeln!(text, "#{} = {}{note}", key.name(), key.value);
    }
    text
}

/// The reference in Markdown, `docs/configuration.md`.
pub fn reference() -> String {
    format!(
        "# Configuration\n\n\
         One TOML file: `parlour serve --config FILE`, or `parlour.toml` in the current folder. \
         Without one the defaults hold. `--data`, `--listen` and `--http` (also \
         `PARLOUR_DATA`, `PARLOUR_LISTEN`, `PARLOUR_HTTP`, `PARLOUR_CONFIG`) go over the file. \
         Unknown keys are refused. SIGHUP reads it again: keys of tokens, identity providers, calls and connects per \
         second, quotas, what may be uploaded, `http.url`, drain times and the log level change at once, the rest with the next start.\n\n\
         This is what `parlour config --print-default` prints:\n\n```toml\n{}```\n",
        default_file()
    )
}
