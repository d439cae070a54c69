"""Check a request against botocore's service model: required, unknown, types, lengths, ranges, patterns, enums.

botocore checks only part of this before it sends (no maximum, no pattern, no enum), and other clients check nothing.
Messages name parameters and never show what was sent.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ListShape, OperationModel, ServiceModel, Shape, StringShape, StructureShape

from rotation_testkit.doubles.secretsmanager.protocol.errors import ServiceError, invalid_value

_TYPES: dict[str, type | tuple[type, ...]] = {
    "structure": dict,
    "list": list,
    "string": str,
    "blob": str,
    "integer": int,
    "long": int,
    "boolean": bool,
}


class Model:
    """The operations and errors that the service model declares."""

    def __init__(self) -> None:
        self._model = ServiceModel(Loader().load_service_model("secretsmanager", "service-2"), "secretsmanager")
        self.errors = frozenset(shape.name for shape in self._model.error_shapes)

    def check(self, operation: str, params: object) -> dict[str, Any]:
        """Return the parameters if they fit.

        Raises:
            ServiceError: ``UnknownOperationException``, ``SerializationException`` or ``ValidationException``.
        """
        if operation not in self._model.operation_names:
            raise ServiceError("UnknownOperationException", "There is no such operation.")
        model: OperationModel = self._model.operation_model(operation)
        faults = list(_faults(model.input_shape, params, "request")) if model.input_shape else []
        if not isinstance(params, dict) or any(fault.startswith("type of") for fault in faults):
            raise ServiceError("SerializationException", "; ".join(faults))
        if faults:
            raise invalid_value(f"{len(faults)} validation error(s) detected: {'; '.join(faults)}")
        return params


@lru_cache(maxsize=1)
def service_model() -> Model:
    """Return the model, read once per process; nothing changes it."""
    return Model()


def _faults(shape: Shape, value: object, where: str) -> Iterator[str]:
    wanted = _TYPES[shape.type_name]
    if not isinstance(value, wanted) or (isinstance(value, bool) and shape.type_name != "boolean"):
        yield f"type of {where} must be {shape.type_name}"
    elif isinstance(shape, StructureShape) and isinstance(value, dict):
        yield from _structure_faults(shape, value, where)
    elif isinstance(shape, ListShape) and isinstance(value, list):
        yield from _range_faults(shape, len(value), where, "size")
        for index, item in enumerate(value):
            yield from _faults(shape.member, item, f"{where}[{index}]")
    elif isinstance(value, str):
        yield from _text_faults(shape, value, where)
    elif isinstance(value, int):
        yield from _range_faults(shape, value, where, "value")


def _structure_faults(shape: StructureShape, value: dict[str, object], where: str) -> Iterator[str]:
    for name in shape.required_members:
        if name not in value:
            yield f"{where} lacks {name}"
    for name, item in value.items():
        if name not in shape.members:
            yield f"{where} has an unknown member"
        else:
            yield from _faults(shape.members[name], item, name)


def _text_faults(shape: Shape, value: str, where: str) -> Iterator[str]:
    length = len(value)
    if shape.type_name == "blob":
        try:
            length = len(base64.b64decode(value, validate=True))
        except binascii.Error:
            yield f"type of {where} must be base64"
    yield from _range_faults(shape, length, where, "length")
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(pattern, value):
        yield f"{where} does not match its pattern"
    if isinstance(shape, StringShape) and shape.enum and value not in shape.enum:
        yield f"{where} must be one of {', '.join(shape.enum)}"


def _range_faults(shape: Shape, number: int, where: str, what: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and number < least:
        yield f"{where} must have a {what} greater than or equal to {least}"
    if most is not None and number > most:
        yield f"{where} must have a {what} less than or equal to {most}"
