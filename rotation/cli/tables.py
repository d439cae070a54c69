"""Policies on the screen and in other products' languages."""

from __future__ import annotations

from rotation.cli.output import console, show_table
from rotation.policy import Context, PasswordPolicy
from rotation.policy.description import rule_texts, sources
from rotation.policy.render import Rendered, to_get_random_password, to_hcl, to_json_schema, to_markdown


def table(policy: PasswordPolicy) -> None:
    """Print a policy's rules, its exact numbers, and the sources with what is doubtful about them."""
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
    """Return a policy in another language.

    Args:
        policy: what to say.
        language: ``hcl``, ``get-random-password``, ``schema`` or ``markdown``.
        username: of the account that the text is for, where the language can use it.

    Raises:
        PolicyError: the language cannot say it.
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
