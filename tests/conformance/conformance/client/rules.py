"""The numbered rules for clients, as client-rules.md has them, and which scripts show which of them."""

import re
from pathlib import Path

from ..script import FOLDER, Wrong

FILE = Path(__file__).resolve().parents[2] / "client-rules.md"
ROW = re.compile(r"^\| (C\d+) \| ([\d, ]+) \| (MUST|SHOULD|does) \| (.+?) \| (.+?) \|$", re.M)


def read(file: Path = FILE) -> dict:
    """Rules by number: their section, how strict they are, what they say and where they are seen."""
    rows = ROW.findall(file.read_text(encoding="utf-8"))
    rules = {
        number: {"sections": of, "strict": strict, "says": says, "seen": seen}
        for number, of, strict, says, seen in rows
    }
    if len(rules) != len(rows):
        raise Wrong(f"{file}: a number is there twice")
    return rules


def covered(rules: dict, scripts) -> dict:
    """Names of scripts by rule. What scripts name and what rules say of them has to agree."""
    by_rule = {number: [] for number in rules}
    for script in scripts:
        for number in script.head["rules"]:
            if number not in rules:
                raise Wrong(f"{script.name}: there is no rule {number}")
            by_rule[number].append(script.name)
    for number, names in by_rule.items():
        if rules[number]["seen"] == "scripts" and not names:
            raise Wrong(f"{FILE}: no script shows {number}")
        if names and rules[number]["seen"] != "scripts":
            raise Wrong(f"{FILE}: {number} is shown by {names[0]} and says {rules[number]['seen']!r}")
    return by_rule


def listing(rules: dict, by_rule: dict) -> str:
    """All rules with the scripts that show them."""
    lines = []
    for number, rule in rules.items():
        where = ", ".join(by_rule[number]) or rule["seen"]
        lines.append(f"{number} ({rule['strict']}, section {rule['sections']}): {rule['says']}\n    {where}")
    seen = sum(bool(by_rule[number]) or rule["seen"] == "always" for number, rule in rules.items())
    return "\n".join([*lines, f"{seen} of {len(rules)} rules are looked at"])


CLIENT_SCRIPTS = FOLDER / "client"
