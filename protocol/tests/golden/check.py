"""Decodes the golden vectors with Python's protobuf, which shares no code with prost.

usage: check.py DESCRIPTORS

DESCRIPTORS is the contract as a FileDescriptorSet; `cargo test -p parlour-protocol --test golden`
leaves it as `tmp/parlour.binpb` in the target folder. Ends with an error at the first difference.
"""

import json
import sys
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.message import DecodeError

HERE = Path(__file__).parent


def classes(descriptors: Path):
    """A function from a message's full name to its class."""
    pool = descriptor_pool.DescriptorPool()
    files = descriptor_pb2.FileDescriptorSet.FromString(descriptors.read_bytes())
    for file in files.file:
        pool.Add(file)
    return lambda name: message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


def vectors(name: str):
    """The lines of a file of vectors."""
    with open(HERE / name, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def differences(vector, message_class):
    """How a golden vector differs from what Python reads and writes."""
    data = bytes.fromhex(vector["hex"])
    try:
        message = message_class.FromString(data)
        from_json = json_format.ParseDict(vector["json"], message_class())
    except (DecodeError, json_format.ParseError) as error:
        yield f"isn't read: {error}"
        return
    read = json_format.MessageToDict(message)
    if read != vector["json"]:
        yield f"reads {read}, not {vector['json']}"
    if message.SerializeToString(deterministic=True) != data:
        yield "writes other bytes than it read"
    if from_json != message:
        yield "makes another message of the JSON"


def outcome(vector, message_class):
    """What Python makes of bytes that may be no message."""
    try:
        message_class.FromString(bytes.fromhex(vector["hex"]))
    except DecodeError:
        return "refused"
    return "taken"


def main(descriptors: str) -> int:
    find = classes(Path(descriptors))
    wrong = []
    golden = vectors("vectors.jsonl")
    negative = vectors("negative.jsonl") + vectors("negative-2.jsonl")
    for vector in golden:
        for difference in differences(vector, find(vector["message"])):
            wrong.append(f"{vector['message']} {vector['case']}: {difference}")
    for vector in negative:
        found = outcome(vector, find(vector["message"]))
        if found != vector["python"]:
            wrong.append(f"{vector['message']} {vector['case']}: {found}, not {vector['python']}")
    print("\n".join(wrong))
    print(f"golden vectors: {len(golden)} and {len(negative)} negative, {len(wrong)} differences")
    return 1 if wrong or not golden or not negative else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
