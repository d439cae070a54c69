"""A policy as a section of a Markdown page."""

from __future__ import annotations

from rotation.policy.description import rule_texts, sources
from rotation.policy.policy import PasswordPolicy
from rotation.policy.render.result import Rendered


def to_markdown(policy: PasswordPolicy) -> Rendered:
    """Return a table of rules with their sources, and the exact numbers. Nothing is lost."""
    numbers = f"uniform over {policy.entropy_bits():.1f} bits; {policy.acceptance():.4g} of all strings are accepted"
    lines = [
        f"### {policy.name}",
        "",
        f"Generated: {policy.length} characters, {numbers}.",
        "",
        "| Rule | Meaning | Source |",
        "| --- | --- | --- |",
    ]
    lines += [
        f"| {rule} | {_cell(text)} | {_cell('; '.join(sources(policy, rule)))} |" for rule, text in rule_texts(policy)
    ]
    notes = [
        f"- {_cell(source.cite)} ({source.date}): {_cell(source.note)}" for source in policy.sources if source.note
    ]
    if notes:
        lines += ["", *notes]
    return Rendered("\n".join(lines) + "\n", ())


def _cell(text: str) -> str:
    """Return the text with what Markdown would read as markup escaped."""
    return "".join(f"\\{char}" if char in "\\`*_{}[]<>()#+-.!|~&" else char for char in text)
