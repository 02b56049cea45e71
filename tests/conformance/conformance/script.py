"""Scripts: files of JSON lines, read and held against the schema."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from .schema import Schema

FOLDER = Path(__file__).resolve().parents[1] / "scripts"
PROFILES = ("core", "sync", "blobs")


class Wrong(Exception):
    """A script isn't one."""


@dataclass
class Script:
    """A script's first line and its steps with their line numbers."""

    name: str
    head: dict
    steps: list = field(default_factory=list)

    @property
    def profile(self) -> str:
        return self.head["profile"]

    @property
    def waits_ms(self) -> int:
        """How long it does nothing, or may: those that wait longest are begun first."""
        return sum(it.get("ms", it.get("within_ms", 0)) for _, it in self.steps)


def read(path: Path, schema: Schema) -> Script:
    """One script. Lines that are empty or begin with `//` are passed over."""
    lines = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not text.strip() or text.startswith("//"):
            continue
        try:
            lines.append((number, json.loads(text)))
        except json.JSONDecodeError as error:
            raise Wrong(f"{path}:{number}: isn't JSON: {error}") from error
    if not lines:
        raise Wrong(f"{path}: is empty")
    number, head = lines[0]
    wrong = [f"{path}:{number}: {one}" for one in schema.problems(head, "head")]
    for number, line in lines[1:]:
        wrong += [f"{path}:{number}: {one}" for one in schema.step_problems(line)]
    if wrong:
        raise Wrong("\n".join(wrong))
    return Script(f"{head['profile']}/{path.stem}", head, lines[1:])


def find(profiles, names, folder: Path = FOLDER, schema: Schema | None = None):
    """The scripts of these profiles, or those with these names."""
    schema = schema or Schema()
    scripts = []
    for profile in profiles:
        for path in sorted((folder / profile).glob("*.jsonl")):
            script = read(path, schema)
            if not names or script.name in names or path.stem in names:
                scripts.append(script)
    return scripts
