"""The Python beside each .proto matches it: after an edit of a .proto run ``vault_plugin/generate.sh``."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROTOS = sorted((ROOT / "vault_plugin").rglob("*.proto"))
FIELD = re.compile(r"^\s+(?:repeated )?[\w.]+ (\w+) = (\d+);", re.MULTILINE)
BLOCK = re.compile(r"^message (\w+) \{(\}|.*?^\})", re.MULTILINE | re.DOTALL)
INNER = re.compile(r"^ +(?:enum|message) \w+ \{.*?\}", re.MULTILINE | re.DOTALL)


def test_there_are_five():
    """One .proto describes the database, four the plug-in protocol."""
    assert [path.stem for path in PROTOS] == ["database", "controller", "health", "multiplexing", "version"]


@pytest.mark.parametrize("path", PROTOS, ids=lambda path: path.stem)
def test_the_generated_code_is_the_protos(path):
    """The generated code has every message with its fields' names and numbers, and every method by its full name."""
    text = INNER.sub("", path.read_text())
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    generated = importlib.import_module(f"{module}_pb2").DESCRIPTOR
    said = {name: dict(FIELD.findall(body)) for name, body in BLOCK.findall(text)}
    made = {
        name: {field.name: str(field.number) for field in message.fields}
        for name, message in generated.message_types_by_name.items()
    }
    assert said == made
    package = re.search(r"^package ([\w.]+);", text, re.MULTILINE)
    assert package is not None
    assert generated.package == package[1]
    served = (path.with_name(f"{path.stem}_grpc.py")).read_text()
    services = re.findall(r"^service (\w+) \{(.*?)^\}", text, re.MULTILINE | re.DOTALL)
    assert services
    for service, body in services:
        for method in re.findall(r"rpc (\w+)\(", body):
            assert f"'/{package[1]}.{service}/{method}'" in served
