"""The contract: the messages, methods and events of the .proto files, compiled at start.

Messages are handled in protobuf's JSON mapping throughout, as scripts have them; the bodies of events
of known kinds are shown decoded.
"""

import base64
from pathlib import Path

import protoxy
from google.protobuf import descriptor_pool, json_format, message_factory

PROTO = Path(__file__).resolve().parents[3] / "protocol" / "proto"
WIRE = "parlour.wire.v1."


class Contract:
    """Classes of messages by full name, methods by full name, events by kind."""

    def __init__(self, folder: Path = PROTO):
        files = sorted(str(path) for path in folder.rglob("*.proto"))
        if not files:
            raise SystemExit(f"no .proto files below {folder}: name their folder with --proto")
        compiled = protoxy.compile(files, [str(folder)], include_source_info=False)
        self.pool = descriptor_pool.DescriptorPool()
        for file in compiled.file:
            self.pool.Add(file)
        names = [file.name for file in compiled.file]
        self._method_option = self._extension("parlour.options.v1.method")
        self._event_option = self._extension("parlour.options.v1.event")
        self.methods = {}
        self.events = {}
        for name in names:
            self._register(self.pool.FindFileByName(name))

    def _extension(self, name):
        # The class of the options has to come from the same pool as the extension.
        extension = self.pool.FindExtensionByName(name)
        return extension, message_factory.GetMessageClass(extension.containing_type)

    def _option(self, descriptor, which):
        extension, options_class = which
        options = options_class.FromString(descriptor.GetOptions().SerializeToString())
        return options.Extensions[extension] if options.HasExtension(extension) else None

    def _register(self, file):
        for service in file.services_by_name.values():
            for method in service.methods:
                rule = self._option(method, self._method_option)
                if rule is not None:
                    self.methods[method.full_name] = Method(method, rule)
        for message in file.message_types_by_name.values():
            rule = self._option(message, self._event_option)
            if rule is not None:
                self.events[rule.kind] = message.full_name

    def message(self, name: str):
        """An empty message of that full name; names without a package are of parlour.wire.v1."""
        full = name if "." in name else WIRE + name
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(full))()

    def build(self, name: str, value: dict):
        """A message from its JSON. Fields may be named as in the proto file or in camelCase."""
        return json_format.ParseDict(value, self.message(name), descriptor_pool=self.pool)

    def make(self, name: str, **fields):
        """A message from values as they are: bytes, messages, and objects for messages."""
        message = self.message(name)
        fill(message, fields)
        return message

    def encode(self, name: str, value: dict) -> bytes:
        return self.build(name, value).SerializeToString(deterministic=True)

    def parse(self, name: str, data: bytes):
        message = self.message(name)
        message.ParseFromString(data)
        return message

    def decode(self, name: str, data: bytes) -> dict:
        """The JSON of an encoded message, fields named as in the proto file."""
        return self.show(self.parse(name, data))

    def show(self, message) -> dict:
        """The JSON of a message, with the bodies of events of known kinds decoded."""
        value = json_format.MessageToDict(
            message, preserving_proto_field_name=True, descriptor_pool=self.pool
        )
        self._open_bodies(value)
        return value

    def _open_bodies(self, value):
        if isinstance(value, list):
            for item in value:
                self._open_bodies(item)
        if not isinstance(value, dict):
            return
        # An Event names its kind in the header, an Ephemeral beside the body.
        header = value.get("header")
        kind = header.get("kind") if isinstance(header, dict) else value.get("kind")
        if isinstance(value.get("body"), str) and kind in self.events:
            value["body_bytes"] = value["body"]
            value["body"] = self.decode(self.events[kind], base64.b64decode(value["body"]))
        elif isinstance(header, dict) and kind in self.events and not header.get("flags", 0) & 2:
            value.setdefault("body", {})
        for item in value.values():
            self._open_bodies(item)

    def enum_number(self, name: str, value: str) -> int:
        return self.pool.FindEnumTypeByName(WIRE + name).values_by_name[value].number

    def close_code(self, name) -> int:
        """A close code by its name in PROTOCOL.md, or as it is."""
        if isinstance(name, int):
            return name
        return self.enum_number("CloseCode", f"CLOSE_CODE_{name}")

    def close_name(self, code: int) -> str:
        """The name of a close code; its number where it has none."""
        enum = self.pool.FindEnumTypeByName(WIRE + "CloseCode")
        found = enum.values_by_number.get(code)
        return found.name.removeprefix("CLOSE_CODE_") if found else hex(code)


def fill(message, fields: dict):
    """Sets fields: objects field by field, messages by copy, lists one by one."""
    for name, value in fields.items():
        descriptor = message.DESCRIPTOR.fields_by_name[name]
        if isinstance(value, list):
            for item in value:
                if isinstance(item, dict):
                    fill(getattr(message, name).add(), item)
                else:
                    getattr(message, name).append(item)
        elif isinstance(value, dict):
            getattr(message, name).SetInParent()
            fill(getattr(message, name), value)
        elif descriptor.message_type is not None:
            getattr(message, name).CopyFrom(value)
        else:
            setattr(message, name, value)


class Method:
    """A method: its number, lane, request and response."""

    def __init__(self, descriptor, rule):
        self.name = descriptor.full_name
        self.number = rule.id
        self.bulk = rule.lane == 2
        self.request = descriptor.input_type.full_name
        self.response = descriptor.output_type.full_name
