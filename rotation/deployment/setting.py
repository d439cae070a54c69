"""One setting of a deployment, declared once: a field of a dataclass whose metadata hold this record.

From the record come the reading of ``lockstep.toml`` and of the variables, the faults, ``lockstep config``, the JSON
Schema and the tables of ``docs/settings.md``. For example::

    propagation: Mapping[str, int] = declare(
        "propagation_seconds", whole(0, 999), "Seconds …", scope=Scope.DRIVER, otherwise="the driver's own", example=30
    )

is ``propagation_seconds`` in a table ``[driver.<code>]``, and ``LOCKSTEP_<CODE>_PROPAGATION_SECONDS``.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rotation.deployment.forms import Form

PREFIX = "LOCKSTEP_"
_RECORD = "setting"


class Scope(StrEnum):
    """Where a setting may stand."""

    ALL = "all"
    """At the top: one value for the deployment."""
    DRIVER = "driver"
    """In a driver's table: one value for each driver. The field is a mapping by the driver's code."""
    BOTH = "both"
    """At the top for all drivers, and in a driver's table for that one. The field is a mapping as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting.

    Attributes:
        key: its name in the file.
        form: how its value is written.
        help: what it means, in one or two sentences.
        scope: where it may stand.
        otherwise: what holds without it, in words or as TOML.
        example: a value, as TOML has it.
        table: the table that it is in, where it is neither at the top nor a driver's.
        secret: whether it is a secret, which may be in a variable only and is never shown.
    """

    key: str
    form: Form
    help: str
    scope: Scope
    otherwise: str
    example: object
    table: str = ""
    secret: bool = False

    def name(self, code: str | None = None) -> str:
        """Return its name in the file, such as ``driver.acme.endpoint``."""
        table = self.table if code is None else f"driver.{code}"
        return f"{table}.{self.key}" if table else self.key

    def variable(self, code: str | None = None) -> str:
        """Return the variable that overrides it, such as ``LOCKSTEP_ACME_ENDPOINT``."""
        table = self.table if code is None else code
        return PREFIX + (f"{table}_{self.key}" if table else self.key).upper()


def declare(  # noqa: PLR0913 - one record
    key: str,
    form: Form,
    help_text: str,
    *,
    scope: Scope = Scope.ALL,
    default: Any = None,  # noqa: ANN401 - a field may have any type
    otherwise: str,
    example: object,
    table: str = "",
    secret: bool = False,
) -> Any:  # noqa: ANN401 - stands for a field
    """Declare a setting as a field of a dataclass. A setting of each driver is an empty mapping by default."""
    record = Setting(
        key=key,
        form=form,
        help=help_text,
        scope=scope,
        otherwise=otherwise,
        example=example,
        table=table,
        secret=secret,
    )
    if scope is Scope.ALL:
        return dataclasses.field(default=default, metadata={_RECORD: record})
    return dataclasses.field(default_factory=dict, metadata={_RECORD: record})


def declared(cls: type[Any]) -> dict[str, Setting]:
    """Return the settings of a dataclass by the names of its fields."""
    return {each.name: each.metadata[_RECORD] for each in dataclasses.fields(cls) if _RECORD in each.metadata}
