"""The JSON Schema of ``lockstep.toml``, which editors use to complete and check it, made from the declared settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rotation.deployment.configuration import PROVISION_TABLES
from rotation.deployment.setting import Scope, Setting

DRAFT = "http://json-schema.org/draft-07/schema#"
"""The newest draft that editors' TOML extensions read (Taplo 0.10, read 2026-11)."""


def json_schema(settings: Iterable[Setting], codes: Iterable[str]) -> dict[str, object]:
    """Return the schema.

    Args:
        settings: all settings that are declared.
        codes: drivers whose tables an editor proposes; tables of other drivers are checked in the same way.
    """
    every = [each for each in settings if not each.secret]
    of_driver = _object({each.key: _described(each) for each in every if each.scope is not Scope.ALL})
    properties: dict[str, object] = {
        each.key: _described(each) for each in every if each.scope is not Scope.DRIVER and not each.table
    }
    for table in sorted({each.table for each in every if each.table}):
        properties[table] = _object({each.key: _described(each) for each in every if each.table == table})
    properties["driver"] = {
        "type": "object",
        "description": "A table for each driver.",
        "properties": {code: {"$ref": "#/definitions/driver"} for code in codes},
        "additionalProperties": {"$ref": "#/definitions/driver"},
    }
    for table in sorted(PROVISION_TABLES):
        properties[table] = {"type": "object", "description": "Of `lockstep vault plugin install`, which checks it."}
    return {
        "$schema": DRAFT,
        "title": "The configuration of Lockstep",
        **_object(properties),
        "definitions": {"driver": of_driver},
    }


def _object(properties: Mapping[str, object]) -> dict[str, object]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _described(setting: Setting) -> dict[str, object]:
    otherwise = f" Without it: {setting.otherwise}." if setting.otherwise else ""
    described = {"description": f"{setting.help}{otherwise} Overridden by {_variable(setting)}."}
    return {**setting.form.json_schema(), **described, "examples": [setting.example]}


def _variable(setting: Setting) -> str:
    names = {Scope.ALL: (None,), Scope.DRIVER: ("<CODE>",), Scope.BOTH: (None, "<CODE>")}[setting.scope]
    return " and ".join(setting.variable(code) for code in names)
