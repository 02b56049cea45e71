//! Dependencies' licences and sources, and versions below which a known hole is open. cargo-deny
//! checks the same lists (`deny.toml`) and advisories; this needs nothing installed.

use serde_json::Value;

use crate::{Outcome, shell};

/// Versions below which a published advisory applies.
const AT_LEAST: &[(&str, [u64; 3])] =
    &[("quinn-proto", [0, 11, 15]), ("rustls", [0, 23, 18]), ("rustls-webpki", [0, 103, 13])];

pub(crate) fn check() -> Outcome {
    let path = shell::root().join("deny.toml");
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let allowed = allowed_licences(&text);
    let words = ["metadata", "--format-version", "1", "--locked"];
    let metadata = shell::output(&mut shell::cargo(&words))?;
    let metadata: Value = serde_json::from_str(&metadata).map_err(|error| error.to_string())?;
    let packages = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut wrong = Vec::new();
    for package in packages {
        wrong.extend(wrongs(package, &allowed));
    }
    if wrong.is_empty() {
        println!("dependencies: {} packages, licences and sources as allowed", packages.len());
        return Ok(());
    }
    Err(wrong.join("\n"))
}

fn wrongs(package: &Value, allowed: &[String]) -> Vec<String> {
    let name = package["name"].as_str().unwrap_or_default();
    let version = package["version"].as_str().unwrap_or_default();
    let mut wrong = Vec::new();
    match package["license"].as_str() {
        Some(expression) if permits(expression, allowed) => {}
        Some(expression) => {
            wrong.push(format!("{name} {version}: licence {expression} isn't allowed"))
        }
        None => wrong.push(format!("{name} {version}: says no licence")),
    }
    // A package of this workspace has no source; all others come from the registry.
    if package["source"].as_str().is_some_and(|source| !source.starts_with("registry+")) {
        wrong.push(format!("{name} {version}: isn't from the registry"));
    }
    let floor = AT_LEAST.iter().find(|(package, _)| *package == name);
    if let Some((_, floor)) = floor.filter(|(_, floor)| numbers(version) < *floor) {
        wrong.push(format!("{name} {version}: has a known hole, take {floor:?} or later"));
    }
    wrong
}

/// The quoted words of `allow = [...]` under `[licenses]`.
fn allowed_licences(deny: &str) -> Vec<String> {
    let section = deny.split("\n[licenses]").nth(1).unwrap_or_default();
    let list = section.split("allow = [").nth(1).unwrap_or_default();
    let list = list.split("\n]").next().unwrap_or_default();
    let code = list.lines().map(|line| line.split('#').next().unwrap_or_default());
    let words = code.flat_map(|line| line.split('"').skip(1).step_by(2).collect::<Vec<_>>());
    words.map(ToOwned::to_owned).collect()
}

/// Whether an SPDX expression can be met with allowed licences alone. `OR` binds weaker than `AND`.
fn permits(expression: &str, allowed: &[String]) -> bool {
    // The older way to write a choice.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    any(&words, &mut at, allowed) && at == words.len()
}

fn any(words: &[&str], at: &mut usize, allowed: &[String]) -> bool {
    let mut met = all(words, at, allowed);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        met |= all(words, at, allowed);
    }
    met
}

fn all(words: &[&str], at: &mut usize, allowed: &[String]) -> bool {
    let mut met = one(words, at, allowed);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        met &= one(words, at, allowed);
    }
    met
}

fn one(words: &[&str], at: &mut usize, allowed: &[String]) -> bool {
    let Some(word) = words.get(*at) else { return false };
    *at += 1;
    if *word == "(" {
        let met = any(words, at, allowed);
        *at += 1;
        return met;
    }
    let mut licence = (*word).to_owned();
    if words.get(*at) == Some(&"WITH") {
        licence = format!("{licence} WITH {}", words.get(*at + 1).unwrap_or(&""));
        *at += 2;
    }
    allowed.contains(&licence)
}

fn numbers(version: &str) -> [u64; 3] {
    let mut numbers = [0; 3];
    let plain = version.split(['-', '+']).next().unwrap_or_default();
    for (number, part) in numbers.iter_mut().zip(plain.split('.')) {
        *number = part.parse().unwrap_or(0);
    }
    numbers
}

#[cfg(test)]
#[path = "supply_tests.rs"]
mod tests;
