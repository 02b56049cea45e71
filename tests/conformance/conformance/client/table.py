"""Results as a table in Markdown: a line for each group of scripts, a column for each client that was played."""

from pathlib import Path

# The line before the table in a file that has others.
MARK = "<!-- what clients pass -->"


def groups(outcomes, scripts) -> dict:
    """Passed, failed and left out by group, in the scripts' order."""
    of = {script.name: script.head.get("group", script.profile) for script in scripts}
    counts = {group: [0, 0, 0] for group in of.values()}
    for outcome in outcomes:
        one = counts[of[outcome.script]]
        one[0 if outcome.passed else 2 if outcome.skipped else 1] += 1
    return counts


def cell(counts) -> str:
    passed, failed, left_out = counts
    text = f"{passed}" if not failed else f"{passed}, {failed} fail"
    return f"{text}, {left_out} not there" if left_out else text


def update(file: Path, client: str, counts: dict):
    """Puts a client's column into the table of a file, beside those that are there. What stands around it stays."""
    before, table, behind = parts(file.read_text(encoding="utf-8") if file.exists() else "")
    columns = read(table)
    columns[client] = {group: cell(one) for group, one in counts.items()}
    columns[client]["all"] = cell([sum(one[at] for one in counts.values()) for at in range(3)])
    rows = [*dict.fromkeys(group for column in columns.values() for group in column if group != "all"), "all"]
    lines = [f"| what | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
    lines += [f"| {row} | {' | '.join(column.get(row, '') for column in columns.values())} |" for row in rows]
    file.write_text("\n".join([*before, *lines, *behind]) + "\n", encoding="utf-8")


def parts(text: str):
    """The lines before the table, its own, and those behind it. It is the first one, or the first behind the mark."""
    lines = text.splitlines()
    marked = lines.index(MARK) if MARK in lines else 0
    begin = next((at for at, line in enumerate(lines) if at >= marked and line.startswith("|")), len(lines))
    end = next((at for at in range(begin, len(lines)) if not lines[at].startswith("|")), len(lines))
    return lines[:begin], lines[begin:end], lines[end:]


def read(table) -> dict:
    """The columns of a table that was written before."""
    if not table:
        return {}
    head, *rows = [line.strip("|").split("|") for line in table if not line.startswith("|---")]
    return {
        name.strip(): {row[0].strip(): row[at].strip() if at < len(row) else "" for row in rows}
        for at, name in enumerate(head) if at > 0
    }
