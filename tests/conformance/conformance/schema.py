"""Holds scripts against `script.schema.json`, with as much of JSON Schema as that file uses."""

import json
import re
from pathlib import Path

FILE = Path(__file__).resolve().parents[1] / "script.schema.json"
TYPES = {
    "object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float),
}


class Schema:
    """The schema of lines: the first of a script, and its steps."""

    def __init__(self, file: Path = FILE):
        self.whole = json.loads(file.read_text(encoding="utf-8"))

    def problems(self, line, definition: str):
        """What is wrong with a line, as sentences."""
        return list(self._problems(line, self.whole["$defs"][definition], ""))

    def step_problems(self, line):
        steps = self.whole["$defs"]["steps"]
        kind = line.get("do") if isinstance(line, dict) else None
        if kind not in steps:
            return [f"no step is called {kind!r}"]
        inner = line["steps"] if kind == "repeat" and isinstance(line.get("steps"), list) else []
        wrong = [f"within: {one}" for it in inner for one in self.step_problems(it)]
        return list(self._problems(line, steps[kind], "")) + wrong

    def _problems(self, value, schema, path):
        if "$ref" in schema:
            target = self.whole
            for name in schema["$ref"].removeprefix("#/").split("/"):
                target = target[name]
            yield from self._problems(value, target, path)
            return
        where = path or "the line"
        kinds = schema.get("type")
        if kinds is not None and not self._is(value, kinds):
            yield f"{where} isn't {kinds}"
            return
        if "const" in schema and value != schema["const"]:
            yield f"{where} isn't {schema['const']!r}"
        if "enum" in schema and value not in schema["enum"]:
            yield f"{where} is none of {schema['enum']}"
        if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
            yield f"{where} doesn't look like {schema['pattern']}"
        if isinstance(value, dict):
            yield from self._object(value, schema, path)
        if isinstance(value, list) and "items" in schema:
            for index, item in enumerate(value):
                yield from self._problems(item, schema["items"], f"{path}[{index}]")

    @staticmethod
    def _is(value, kinds):
        names = kinds if isinstance(kinds, list) else [kinds]
        if isinstance(value, bool):
            return "boolean" in names
        return any(isinstance(value, TYPES[name]) for name in names)

    def _object(self, value, schema, path):
        properties = schema.get("properties", {})
        for name in schema.get("required", []):
            if name not in value:
                yield f"{path + '.' if path else ''}{name} is missing"
        for name, item in value.items():
            if name in properties:
                yield from self._problems(item, properties[name], f"{path}.{name}" if path else name)
            elif schema.get("additionalProperties") is False:
                yield f"{name} isn't known in {path or 'this line'}"
