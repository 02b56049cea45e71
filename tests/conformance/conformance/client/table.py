"""Results as a table in Markdown: a line for each group of scripts, a column for each client that was played."""

import re
from pathlib import Path

HEAD = re.compile(r"^\| what \|(.*)\|$", re.M)


def groups(outcomes, scripts) -> dict:
    """Passed, failed and left out by group, in the scripts' order."""
    of = {script.name: script.head.get("group", script.profile) for script in scripts}
    counts = {}
    for outcome in outcomes:
        one = counts.setdefault(of[outcome.script], [0, 0, 0])
        one[0 if outcome.passed else 2 if outcome.skipped else 1] += 1
    return counts


def cell(counts) -> str:
    if counts is None:
        return ""
    passed, failed, left_out = counts
    text = f"{passed}" if not failed else f"{passed}, {failed} fail"
    return f"{text}, {left_out} not there" if left_out else text


def update(file: Path, client: str, counts: dict):
    """Puts a client's column into the table of a file, beside those that are there."""
    columns = read(file) if file.exists() else {}
    columns[client] = {group: cell(one) for group, one in counts.items()}
    columns[client]["all"] = cell([sum(one[at] for one in counts.values()) for at in range(3)])
    rows = list(dict.fromkeys(group for column in columns.values() for group in column if group != "all")) + ["all"]
    lines = [f"| what | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
    lines += [f"| {row} | {' | '.join(column.get(row, '') for column in columns.values())} |" for row in rows]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read(file: Path) -> dict:
    """The columns of a table that was written before."""
    lines = [line.strip("| \n").split(" | ") for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    head, rows = lines[0], lines[1:]
    return {
        name: {row[0]: row[at] if at < len(row) else "" for row in rows} for at, name in enumerate(head) if at > 0
    }
