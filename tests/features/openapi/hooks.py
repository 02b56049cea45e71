"""What schemathesis needs to know to get further than the first check: a room that is there, people who
are in it, refs that are new. What it made up itself is left as it is every few times."""

import atexit
import collections
import json
import os
import random
import time
import uuid

import schemathesis

ROOM = os.environ["PARLOUR_ROOM"]
USER = os.environ["PARLOUR_USER"]
DICE = random.Random(1)

ROOMS = {"room"}
USERS = {"user", "id"}
LISTS = {"users", "mentions", "senders"}
FIELDS = {}
SEQS = {"seq", "targetSeq", "rootSeq", "replyToSeq", "threadRootSeq", "fromSeq", "beforeSeq"}


def new_ref():
    """A UUIDv7 of now (RFC 9562 section 5.7)."""
    stamp = int(time.time() * 1000) << 80
    number = stamp | DICE.getrandbits(80)
    number = number & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62
    return str(uuid.UUID(int=number))


def sensible(value, depth=0):
    """The same body with names that lead somewhere."""
    if isinstance(value, list):
        return [sensible(item, depth + 1) for item in value]
    if not isinstance(value, dict) or depth > 20:
        return value
    out = {}
    for name, item in value.items():
        known = DICE.random() < 0.9
        if known and name in ROOMS and isinstance(item, str):
            item = ROOM
        elif known and name == "rooms" and isinstance(item, list):
            item = [ROOM]
        elif known and name in USERS and isinstance(item, str):
            item = USER
        elif known and name in LISTS and isinstance(item, list):
            item = [USER]
        elif name == "subject" and isinstance(item, str):
            # Never who calls: they would be shut out, and nothing be tried any more.
            item = DICE.choice(["bob", "nobody"])
        elif name == "archived" and isinstance(item, bool):
            item = False
        elif known and name == "clientRef" and isinstance(item, str):
            item = new_ref()
        elif known and name in SEQS and not isinstance(item, (dict, list)):
            item = DICE.randint(0, 12)
        else:
            item = sensible(item, depth + 1)
        out[name] = item
    return out


@schemathesis.hook
def map_body(context, body):
    return sensible(body)


COUNTS = collections.defaultdict(collections.Counter)


def left_out(path):
    """What a request needs to get anywhere, by field."""
    name = path.rsplit("/", 1)[1]
    fields = {"room": ROOM, "clientRef": new_ref(), "user": USER}
    fields |= {field: DICE.randint(2, 11) for field in ("seq", "targetSeq", "rootSeq")}
    if name in ("MessageService.Send", "MessageService.Edit"):
        fields["body"] = {"text": DICE.choice(["x", "a few words", "é" * 100])}
    if name.startswith("ReactionService."):
        fields["emoji"] = "👍"
    if name == "HookService.CreateHook":
        fields["name"] = "a hook"
    if name.startswith("AppService."):
        fields["body"] = {"name": "com.example.made.up", "payload": {"number": 1}}
    return fields


@schemathesis.hook
def before_call(context, case, kwargs):
    """Names that weren't made up at all are put in, most of the time."""
    if isinstance(case.body, dict) and DICE.random() < 0.8:
        fields = FIELDS.get(case.operation.path, ())
        for name, value in left_out(case.operation.path).items():
            if name in fields and (name not in case.body or name == "body" and DICE.random() < 0.7):
                case.body[name] = value


@schemathesis.hook
def after_call(context, case, response):
    COUNTS[case.operation.path][response.status_code] += 1


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Which fields each request has."""
    schemas = raw_schema["components"]["schemas"]
    for path, item in raw_schema["paths"].items():
        content = item["post"]["requestBody"]["content"]["application/json"]
        name = content["schema"].get("$ref", "").rsplit("/", 1)[-1]
        FIELDS[path] = set(schemas.get(name, {}).get("properties", ()))


@atexit.register
def report():
    with open(os.environ["PARLOUR_COUNTS"], "w", encoding="utf-8") as file:
        json.dump(COUNTS, file)


@schemathesis.deserializer("application/x-ndjson")
def last_line(context, response):
    """Every line is one by itself; the last one says how it ended."""
    lines = [json.loads(line) for line in response.text.splitlines()]
    assert lines and ("end" in lines[-1] or "error" in lines[-1]), "the answer was cut off"
    assert all("item" in line for line in lines[:-1]), "something stands among the items"
    return lines[0]
