"""``drivers``: list the vendors, how far each driver is proved, and what its secrets must hold."""

from __future__ import annotations

from typing import Annotated

import typer

from rotation.cli.catalog import plugins, spec
from rotation.cli.output import Json, console, emit, show_table
from rotation.core import settings
from rotation.drivers import registry
from rotation.drivers.contract import DriverSpec
from rotation.drivers.error_table import ErrorRow


def drivers(
    code: Annotated[str | None, typer.Argument(help="Show everything about one driver.", metavar="[CODE]")] = None,
    *,
    verified_by: Annotated[bool, typer.Option("--verified-by", help="Show how each driver was tested.")] = False,
    as_json: Json = False,
) -> None:
    """List the drivers, or show one: its settings, password policies, error codes and sources.

    "documented" means that the driver follows the vendor's documents and was run against a simulator. It has never run
    against the live vendor.
    """
    if verified_by:
        _show_evidence([spec(code)] if code else _every(), as_json=as_json)
        return
    if code is not None:
        _show_one(spec(code), as_json=as_json)
        return
    found = _every()
    if as_json:
        for each in found:
            emit(_facts(each))
        return
    show_table(
        ("code", "vendor's product", "reset by", "best proof", "status", "policies"),
        [
            (each.code, each.name, _authority(each), each.evidence.name, _status(each), ", ".join(each.policies))
            for each in found
        ],
    )


def _every() -> list[DriverSpec]:
    return [spec(each) for each in registry.driver_codes(plugins())]


def _show_evidence(found: list[DriverSpec], *, as_json: bool) -> None:
    rows = [_evidence(each) for each in found]
    if as_json:
        for row in rows:
            emit(row)
        return
    heads = ("code", "documents read", "SDK against simulator", "login on a real server", "live vendor")
    show_table(heads, [tuple(map(_cell, row.values())) for row in rows])


def _evidence(each: DriverSpec) -> dict[str, object]:
    kinds = sorted(each.login_probes)
    return {
        "code": each.code,
        "documents_read": each.checked,
        "sdks": list(each.sdks),
        "real_servers": {kind: registry.login_kind(kind, plugins()).tested_on or None for kind in kinds},
        "ran_live": each.ran_live,
    }


def _cell(value: object) -> str:
    if isinstance(value, dict):
        value = [f"{kind}: {server or 'none'}" for kind, server in value.items()]
    if isinstance(value, bool):
        return "yes" if value else "never"
    return (", ".join(value) or "none") if isinstance(value, list) else str(value)


def _authority(each: DriverSpec) -> str:
    if each.admin_resets:
        return "API key or old password"
    return "API key" if each.authority.value == "admin" else "old password"


def _status(each: DriverSpec) -> str:
    return "ran live" if each.ran_live else "documented"


def _facts(each: DriverSpec) -> dict[str, object]:
    return {
        "code": each.code,
        "name": each.name,
        "authority": each.authority.value,
        "evidence": each.evidence.name,
        "login_probes": sorted(each.login_probes),
        "status": _status(each),
        "variants": list(each.policies),
        "min_age_seconds": each.min_age_seconds,
        "history": each.history,
        "lockout": each.lockout
        and {
            "tries": each.lockout.tries,
            "window_seconds": each.lockout.window_seconds,
            "reserve": each.lockout.reserve,
        },
        "propagation_seconds": each.propagation_seconds,
        "batch_key": each.batch_key,
        "alternates": sorted(each.alternates),
        "endpoint": each.endpoint,
        "endpoints": list(each.endpoints),
        "docs": each.docs,
        "source": each.source,
        "checked": each.checked,
    }


def _details(each: DriverSpec) -> dict[str, object]:
    return {
        **_facts(each),
        "account_settings": settings.table(each.account),
        "admin_settings": [] if each.admin is None else settings.table(each.admin),
        "errors": [_error(row) for row in each.error_table],
    }


def _error(row: ErrorRow) -> dict[str, object]:
    return {
        "vendor_code": row.vendor_code,
        "on": row.on,
        "code": row.error.code,
        "meaning": row.meaning,
        "hint": row.hint or row.error.default_hint,
    }


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key.replace('_', ' ')} {each}" for key, each in value.items())
    return ", ".join(value) if isinstance(value, list) else str(value)


def _show_one(each: DriverSpec, *, as_json: bool) -> None:
    if as_json:
        emit(_details(each))
        return
    out = console()
    out.print(f"{each.name} ({each.code}), {_status(each)}", style="bold")
    for key, value in _facts(each).items():
        if key not in ("code", "name", "status") and value not in (None, [], 0):
            out.print(f"  {key.replace('_', ' ')}: {_text(value)}")
    for title, cls in (("the rotated secret's own keys", each.account), ("the admin secret's keys", each.admin)):
        if cls is not None:
            out.print()
            rows = [
                (str(row["name"]), "yes" if row["required"] else "no", str(row["help"])) for row in settings.table(cls)
            ]
            show_table((title, "required", "what it is"), rows)
    if each.error_table:
        out.print()
        errors = [(row.vendor_code, row.on, row.error.code, row.meaning) for row in each.error_table]
        show_table(("vendor's code", "on", "becomes", "meaning"), errors)
