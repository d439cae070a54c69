"""Settings, declared as the fields of a frozen dataclass: name, type, help text, rule and default.

``setting()`` declares a field. ``load()`` fills the class and reports every fault at once. A fault names the key and
the rule, and never quotes the value.
"""

from __future__ import annotations

import dataclasses
import logging
import re
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_type_hints
from urllib.parse import urlsplit

from rotation.core.errors import ConfigError, SettingsError
from rotation.core.secret import Secret

_LOG = logging.getLogger("lockstep.settings")
S = TypeVar("S")
Check = Callable[[str], str | None]
"""A function that returns the rule that a text breaks, in words, or ``None``."""


def setting(
    help_text: str,
    *,
    check: Check | None = None,
    default: Any = dataclasses.MISSING,  # noqa: ANN401 - a field may have any type
    role: tuple[str, str] | None = None,
) -> Any:  # noqa: ANN401 - as above
    """Declare one setting of a frozen dataclass.

    A default makes it optional. ``role`` is what other code uses the setting for; see ``login_settings``.
    """
    metadata = {"help": help_text, "check": check, "role": role}
    if isinstance(default, Secret):  # which has no hash, so that dataclasses take it for mutable
        return dataclasses.field(default_factory=lambda: default, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def load(cls: type[S], values: Mapping[str, object], *, where: str, ignore_unknown: bool = False) -> S:
    """Return an instance of ``cls`` with the given values.

    Fields are of type ``str``, ``int``, ``bool`` or ``Secret``. Integers and booleans may be given as text, as in
    environment variables. ``where`` names the source in errors, such as ``secret`` or ``environment``.

    Raises:
        SettingsError: keys are missing, unknown or malformed; the message lists all of them.
    """
    types = get_type_hints(cls)
    faults: list[str] = []
    found: dict[str, object] = {}
    fields = dataclasses.fields(cls)  # type: ignore[arg-type]  # S is always a dataclass
    for field in fields:
        if field.name not in values:
            if _is_required(field):
                faults.append(f"{field.name} is missing ({field.metadata.get('help', '')})")
            continue
        try:
            found[field.name] = _convert(values[field.name], types[field.name])
        except ValueError as fault:
            faults.append(f"{field.name} {fault}")
            continue
        check: Check | None = field.metadata.get("check")
        problem = check(_text(found[field.name])) if check else None
        if problem:
            faults.append(f"{field.name} {problem}")
    if not ignore_unknown:
        known = {field.name for field in fields}
        faults.extend(f"{key!r} is no known setting" for key in values if key not in known)
    if faults:
        raise SettingsError(where, tuple(faults))
    return cls(**found)


def table(cls: type[Any]) -> list[dict[str, object]]:
    """Return name, type and help text of every setting, and whether it is required, for docs and ``--json``."""
    types = get_type_hints(cls)
    return [
        {
            "name": field.name,
            "type": getattr(types[field.name], "__name__", str(types[field.name])),
            "help": field.metadata.get("help", ""),
            "required": _is_required(field),
        }
        for field in dataclasses.fields(cls)
    ]


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _text(value: object) -> str:
    return value.reveal() if isinstance(value, Secret) else str(value)


def _convert(value: object, kind: object) -> object:
    if kind is bool:
        return _convert_bool(value)
    if kind is int:
        return _convert_int(value)
    if kind not in (str, Secret):
        raise TypeError("a setting is a str, int, bool or Secret")
    if kind is Secret and isinstance(value, Secret):
        return value
    if not isinstance(value, str) or not value:
        raise ValueError("must be non-empty text")
    return Secret(value) if kind is Secret else value


def _convert_bool(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise ValueError("must be true or false")


def _convert_int(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    raise ValueError("must be a whole number")


def matches(pattern: str, rule: str) -> Check:
    """Return a check that the whole text matches ``pattern``; ``rule`` says the same in words."""
    compiled = re.compile(pattern)
    return lambda text: None if compiled.fullmatch(text) else rule


def one_of(*choices: str) -> Check:
    """Return a check that the text is one of ``choices``."""
    return lambda text: None if text in choices else f"must be one of {', '.join(choices)}"


def base_url(text: str) -> str | None:
    """Check a vendor's endpoint: https, a host, and no path, query or user; plain http only on loopback."""
    return web_url(text) or ("must have no path" if urlsplit(text).path not in ("", "/") else None)


def web_url(text: str) -> str | None:
    """Check an address: https, a host, and no query or user; plain http only on loopback."""
    # urlsplit drops control characters and an empty user, query or fragment, but the text itself is what is called.
    if not re.fullmatch(r"[!-~]+", text) or any(char in text for char in "@?#\\"):
        return "must be a URL of the form https://host[:port]"
    try:
        parts = urlsplit(text)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        return "must be a URL"
    if not port_is_valid or not parts.hostname or parts.netloc.endswith(":"):
        return "must be a URL of the form https://host[:port]"
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")):
        return None
    return "must use https (plain http only on loopback)"


def path_problem(path: str) -> str | None:
    """Return the rule that a path of names breaks, in words, or ``None``.

    An HTTP client resolves ``.`` and ``..`` before it sends a URL. Example: the mirror of a secret with the name
    ``team-a/../team-b/db`` would be written to ``team-b/db``.
    """
    if any(segment in ("", ".", "..") for segment in path.split("/")):
        return "must have no empty segment, and none that is `.` or `..`"
    return None


def checked_path(path: str, *, what: str) -> str:
    """Return the path; ``what`` names it in the error.

    Raises:
        ConfigError: a segment is empty, ``.`` or ``..``.
    """
    problem = path_problem(path)
    if problem is not None:
        raise ConfigError(
            f"{what} {problem}", hint="Such a path leads to another secret than its name says. Give it another name."
        )
    return path


def warn_if_shared(path: Path, name: str) -> None:
    """Log a warning if any user may read or write a credential's file: its mode and its folder's let them.

    ``name`` is the setting that names the file.
    """
    if path.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH) and path.parent.stat().st_mode & stat.S_IXOTH:
        _LOG.warning("%s: other users of this machine can read the file; set its mode to 0600", name)
