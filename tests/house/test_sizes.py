"""Functions fit a screen. A file holds one idea, however long that is: its size is reported and bounded by nothing."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = ("bench", "examples", "rotation", "rotation_testkit", "tests", "vault_plugin")
MOST = 50


def test_no_function_has_more_than_50_lines() -> None:
    """A function is read without scrolling. What protoc generated is not ours."""
    longer = {}
    for file in (file for folder in OURS for file in (ROOT / folder).rglob("*.py") if file.parent.name != "pb"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > MOST:
                    longer[f"{file.relative_to(ROOT)}:{node.name}"] = lines
    assert longer == {}
