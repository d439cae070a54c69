"""Finds the configuration file of a deployment and reads it: a text, a path, an SSM parameter, or ``lockstep.toml``.

The first of these that is there is the one that holds; they are never merged:

1. ``LOCKSTEP_CONFIG_TEXT``: the text itself, as the template's parameter passes it;
2. ``LOCKSTEP_CONFIG``: a path, or ``ssm:/name`` for a parameter of AWS Systems Manager;
3. ``lockstep.toml`` in the package of the function (``LAMBDA_TASK_ROOT``), or else in the working directory.

The file decides where admin credentials are sent. In a working directory it must therefore belong to the user who runs
the command, or to root, and no other user may be able to write it. A path in ``LOCKSTEP_CONFIG`` is taken as it is.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rotation.core.errors import ConfigError

CONFIG, TEXT = "LOCKSTEP_CONFIG", "LOCKSTEP_CONFIG_TEXT"
FILE_NAME = "lockstep.toml"
PARAMETER = "ssm:"
_PACKAGE = "LAMBDA_TASK_ROOT"
_HINT = "`lockstep config check` reads it as a rotation does; docs/settings.md says where it is looked for."


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A configuration file that has been parsed: its name for messages, and its keys and tables."""

    name: str
    tables: Mapping[str, object]


def found(environment: Mapping[str, str]) -> File | None:
    """Return the configuration file that an environment leads to; ``None`` if there is none.

    Raises:
        ConfigError: it is named and cannot be read, it is no TOML, or another user may have written it.
        StoreError: the SSM parameter cannot be read now.
    """
    text, named = environment.get(TEXT), environment.get(CONFIG)
    if text and named:
        raise ConfigError(f"both {TEXT} and {CONFIG} are set", hint="Set only one of them; Lockstep never merges them.")
    if text:
        return parsed(TEXT, text)
    if named and named.startswith(PARAMETER):
        return parsed("the SSM parameter", _parameter(named.removeprefix(PARAMETER)))
    if named:
        return read(Path(named))
    package = environment.get(_PACKAGE)
    path = Path(package or ".") / FILE_NAME
    if not path.is_file():
        return None
    if not package:
        _require_own(path)
    return read(path)


def read(path: Path) -> File:
    """Read a configuration file.

    Raises:
        ConfigError: it cannot be read, or is no TOML.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        kind = type(error).__name__
    except UnicodeDecodeError:
        kind = "no text in UTF-8"
    else:
        return parsed(path.name, text)
    raise ConfigError(f"the configuration file {path.name} cannot be read ({kind})", hint=_HINT)


def parsed(name: str, text: str) -> File:
    """Parse a configuration.

    Raises:
        ConfigError: the text is no TOML; the message names the place and quotes nothing.
    """
    import tomllib  # a deployment without a file starts without it

    try:
        return File(name=name, tables=tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:  # its message may quote the text
        place = re.search(r"\((at [^()]*)\)$", str(error))
    raise ConfigError(f"{name} is no valid TOML{f', {place[1]}' if place else ''}", hint=_HINT)


def forget() -> None:
    """Forget the SSM parameter, which is otherwise read once per process, so that the next attempt reads it again."""
    _parameter.cache_clear()


@lru_cache(maxsize=1)
def _parameter(name: str) -> str:
    from rotation.stores.aws.parameter import read_parameter

    return read_parameter(name)


def _require_own(path: Path) -> None:
    """Raise if another user may have written a file that nobody has named."""
    found = path.stat()
    mine = not hasattr(os, "geteuid") or found.st_uid in (os.geteuid(), 0)
    if mine and not found.st_mode & stat.S_IWOTH:
        return
    raise ConfigError(
        f"{path.name} in the working directory is another user's, or any user may write it; it was not read",
        hint=f"If it is the right one, name it by {CONFIG}, or correct its owner and mode (0644).",
    )
