"""Vault's ACL policies as data: the rules of a policy file, and the same rules without one capability."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

Rules = Mapping[str, list[str]]
"""Capabilities by path."""
_RULE = re.compile(r'path "([^"]+)" \{\s*capabilities = \[([^\]]*)\]\s*\}')


def parsed(text: str) -> dict[str, list[str]]:
    """Return the rules of a policy."""
    return {path: re.findall(r"\w+", listed) for path, listed in _RULE.findall(text)}


def read(path: Path) -> dict[str, list[str]]:
    """Return the rules of a policy file."""
    return parsed(path.read_text())


def written(rules: Rules) -> str:
    """Return rules as a policy's text."""
    return "\n".join(f'path "{path}" {{ capabilities = {json.dumps(kept)} }}' for path, kept in rules.items())


def capabilities(rules: Rules) -> list[tuple[str, str]]:
    """Return every capability with its path."""
    return [(path, capability) for path, listed in rules.items() for capability in listed]


def without(rules: Rules, path: str, capability: str) -> dict[str, list[str]]:
    """Return the rules without one capability; a path without capabilities is denied."""
    less = {each: [one for one in kept if (each, one) != (path, capability)] for each, kept in rules.items()}
    return {each: kept or ["deny"] for each, kept in less.items()}
