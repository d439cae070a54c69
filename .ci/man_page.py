"""Prints docs/lockstep.1, the manual page, made from the help of every command.

.venv/bin/python .ci/man_page.py > lockstep.1 && mv lockstep.1 docs/lockstep.1
"""

# ruff: noqa: INP001 - a script of the documentation, and no module of a package

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from rotation.cli.app import command_tree
from rotation.cli.exit_codes import EXIT_CODES

_HEAD = r""".\" Made by .ci/man_page.py from the help of the commands.
.TH LOCKSTEP 1 "" "lockstep" "User Commands"
.SH NAME
lockstep \- rotate passwords behind vendors' reset APIs
.SH SYNOPSIS
.B lockstep
[\fIOPTIONS\fR] \fICOMMAND\fR [\fIARGUMENTS\fR]
"""
_FOOT = r""".SH ENVIRONMENT
The file lockstep.toml and the LOCKSTEP_* variables are the configuration; \fBlockstep config show\fR names each key and
variable. AWS_REGION, AWS_PROFILE, AWS_ENDPOINT_URL and the other standard variables name Secrets Manager. VAULT_ADDR,
VAULT_TOKEN and VAULT_NAMESPACE name Vault or OpenBao.
"""


def page() -> str:
    """Return the page."""
    root = command_tree()
    lines = [_HEAD, ".SH DESCRIPTION", *_paragraphs(root.help), *_options(root), ".SH COMMANDS"]
    for name, command in _leaves("lockstep", root):
        taken = [each.metavar or each.name.upper() for each in command.params if each.param_type_name == "argument"]
        lines += [f".SS {_text(' '.join([name, *taken]))}", *_paragraphs(command.help), *_options(command)]
    lines.append(".SH EXIT STATUS")
    for code, (meaning, help_) in EXIT_CODES.items():
        lines += [".TP", f".B {code}", _text(f"{meaning}. What to do: {help_}.")]
    return "\n".join(lines) + "\n" + _FOOT


def _leaves(name: str, command: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - typer's own copy of click
    for word, each in getattr(command, "commands", {}).items():
        if hasattr(each, "commands"):
            yield from _leaves(f"{name} {word}", each)
        else:
            yield f"{name} {word}", each


def _options(command: Any) -> Iterator[str]:  # noqa: ANN401 - as above
    for each in command.params:
        if each.param_type_name == "argument":
            continue
        names = ", ".join([*each.opts, *each.secondary_opts])
        value = "" if each.is_flag else f" {each.metavar or each.name.upper()}"
        yield from (".TP", f".B {_text(names + value)}", _text(each.help or ""))


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.split("\n\n"):
        yield from (".PP", _text(paragraph))


def _text(text: str) -> str:
    """Return a text as roff takes it literally."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("\n", " ")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    sys.stdout.write(page())
