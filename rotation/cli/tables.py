"""Tables that several commands show: a password policy, and the checks of a dry run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.text import Text

from rotation.cli.exit_codes import DONE, FAILED, PARKED
from rotation.cli.output import console, emit, show_table, when
from rotation.policy import Context, PasswordPolicy
from rotation.policy.description import rule_texts, sources
from rotation.policy.render import Rendered, to_get_random_password, to_hcl, to_json_schema, to_markdown

if TYPE_CHECKING:
    from rotation.doctor.dry_run import Check


def show_policy(policy: PasswordPolicy) -> None:
    """Print a policy's rules, its exact numbers, and its sources with the doubts about them."""
    numbers = {f"{each.cite} ({each.date})": str(at) for at, each in enumerate(policy.sources, start=1)}
    out = console()
    out.print(policy.name, style="bold")
    rows = [
        (rule, text, ", ".join(numbers[cite] for cite in sources(policy, rule)) or "ours")
        for rule, text in rule_texts(policy)
    ]
    show_table(("rule", "what it says", "source"), rows)
    out.print(
        f"{policy.entropy_bits():.2f} bits at length {policy.length}: exactly {policy.size()} passwords, "
        f"{policy.acceptance():.4%} of all strings over {len(policy.alphabet)} characters"
    )
    for each in policy.sources:
        cite = f"{each.cite} ({each.date})"
        out.print(f"source {numbers[cite]}: {cite}{'; in doubt: ' + each.note if each.note else ''}", style="dim")
    out.print()


def rendered(policy: PasswordPolicy, language: str, username: str) -> Rendered:
    """Return a policy in another product's language.

    Args:
        policy: the policy.
        language: ``hcl``, ``get-random-password``, ``schema`` or ``markdown``.
        username: of the account that the text is for, where the language can use it.

    Raises:
        PolicyError: the language cannot express the policy.
    """
    context = Context(username=username)
    match language:
        case "hcl":
            return to_hcl(policy, context)
        case "get-random-password":
            return to_get_random_password(policy, context)
        case "schema":
            return to_json_schema(policy)
        case _:
            return to_markdown(policy)


def show_checks(checks: Iterable[Check], secret: Mapping[str, object], *, as_json: bool) -> int:
    """Show every check of a dry run; return FAILED if one stops the rotation, PARKED if one waits, else DONE.

    Args:
        checks: what ``dry_run`` returned.
        secret: the fields by which ``--json`` names the secret.
        as_json: whether to print JSON instead of a table.
    """
    from rotation.doctor.dry_run import Status

    styles = {Status.READY: "green", Status.STOPS: "red", Status.WAITS: "yellow", Status.UNKNOWN: "dim"}
    rows: list[list[str | Text]] = []
    found = set()
    for check in checks:
        found.add(check.status)
        if as_json:
            emit({**secret, **{key: value for key, value in asdict(check).items() if value not in ("", None)}})
        until = f"; not before {when(check.not_before)}" if check.not_before else ""
        rows.append([check.name, Text(check.status, style=styles[check.status]), check.detail + until])
        rows.extend([["", "", f"hint: {check.hint}"]] if check.hint else [])
    if not as_json:
        show_table(("precondition", "finding", "detail"), rows)
    if Status.STOPS in found:
        return FAILED
    return PARKED if Status.WAITS in found else DONE
