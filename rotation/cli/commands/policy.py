"""``policy``, ``generate``, ``check``: show a vendor's password rules, make passwords, and check them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from rotation.cli.catalog import Code, Variant, policy_of, spec, wishes_of
from rotation.cli.exit_codes import DONE, FAILED, CommandUsageError
from rotation.cli.output import Json, console, emit, note, show_table, tick
from rotation.core.errors import PolicyError
from rotation.core.process.output import nobody_reads
from rotation.core.secret import Secret
from rotation.policy import Context, PasswordPolicy, PasswordWishes, describe
from rotation.policy.description import rule_texts, sources
from rotation.policy.render import Rendered, to_get_random_password, to_hcl, to_json_schema, to_markdown
from rotation.policy.wishes import read_classes

Username = Annotated[str, typer.Option(help="The account's name, which some vendors forbid in passwords.")]


class Format(StrEnum):
    """How ``policy`` shows a policy."""

    TABLE = "table"
    JSON = "json"
    HCL = "hcl"
    GET_RANDOM_PASSWORD = "get-random-password"  # noqa: S105 - the name of an AWS call
    SCHEMA = "schema"
    MARKDOWN = "markdown"


_LANGUAGES: Mapping[Format, Callable[[PasswordPolicy, Context], Rendered]] = {
    Format.HCL: to_hcl,
    Format.GET_RANDOM_PASSWORD: to_get_random_password,
    Format.SCHEMA: lambda policy, _: to_json_schema(policy),
    Format.MARKDOWN: lambda policy, _: to_markdown(policy),
}


def policy(
    code: Code,
    *,
    variant: Variant = None,
    shape: Annotated[Format, typer.Option("--format", help="The form of the output.")] = Format.TABLE,
    username: Annotated[
        str,
        typer.Option(help="The account's name, for hcl and get-random-password. Without it they keep no name rules."),
    ] = "",
    as_json: Json = False,
) -> None:
    """Show a vendor's password rules, their sources and exact numbers, and this deployment's own rules.

    hcl is for Vault and OpenBao (sys/policies/password), get-random-password for the AWS call of that name, schema is
    JSON Schema. Standard error (with --json, "not_expressed") names the rules that the chosen form cannot express.
    Without --variant the command shows every variant; hcl, get-random-password and schema show only one.
    """
    shown: Mapping[str, PasswordPolicy] = spec(code).policies if variant is None else dict([policy_of(code, variant)])
    form = Format.JSON if as_json and shape is Format.TABLE else shape
    if len(shown) > 1 and form not in (Format.TABLE, Format.JSON, Format.MARKDOWN):
        raise CommandUsageError(
            f"{code} has several policies and {form} shows one", hint=f"Add --variant: {', '.join(shown)}."
        )
    for name, each in shown.items():
        if form is Format.JSON:
            emit({"driver": code, "variant": name, **describe(each), "wishes": _asked(code, each)})
        elif form is Format.TABLE:
            _show_table(each, _asked(code, each))
        else:
            _show(code, name, form, _LANGUAGES[form](each, Context(username=username)), as_json=as_json)


def _asked(code: str, policy: PasswordPolicy) -> dict[str, object]:
    """Return what the deployment asks of new passwords, the classes that must occur then, and the bits that are left.

    Where the vendor's rules cannot meet it, ``refused`` says why.
    """
    wishes = wishes_of(code)
    asked: dict[str, object] = {"asked_for": wishes.text()}
    try:
        narrowed = wishes.applied(policy)
    except PolicyError as error:
        return {**asked, "refused": error.message}
    must = [each.name for each in narrowed.charsets if each.min_chars]
    return {**asked, "length": narrowed.length, "classes": must, "entropy_bits": round(narrowed.entropy_bits(), 2)}


def _show_table(policy: PasswordPolicy, asked: Mapping[str, Any]) -> None:
    """Print a policy's rules, its exact numbers, what is asked besides, and its sources with the doubts about them."""
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
    if asked["asked_for"]:
        out.print(f"the deployment here asks for: {asked['asked_for']}")
    if "refused" in asked:
        out.print(f"no new passwords: {asked['refused']}", style="red")
    else:
        must = ", ".join(asked["classes"]) or "no class in particular"
        out.print(f"new passwords have one or more of {must}: {asked['entropy_bits']:.2f} bits")
    for each in policy.sources:
        cite = f"{each.cite} ({each.date})"
        out.print(f"source {numbers[cite]}: {cite}{'; in doubt: ' + each.note if each.note else ''}", style="dim")
    out.print()


def _show(code: str, variant: str, shape: Format, made: Rendered, *, as_json: bool) -> None:
    if as_json:
        facts = {"text": made.text, "data": dict(made.data), "not_expressed": list(made.lost), "refused": made.refused}
        emit({"driver": code, "variant": variant, "format": shape.value, **facts})
        return
    sys.stdout.write(made.text.rstrip("\n") + "\n")
    for gap in made.lost:
        note(f"not expressed: {gap}")
    if made.refused:
        note(f"refused by our policy: {made.refused:.3g} of what it makes")


def generate(  # noqa: PLR0913 - one argument for each option
    code: Code,
    *,
    count: Annotated[int, typer.Option("-n", "--count", min=1, max=1_000_000, help="How many passwords.")] = 1,
    variant: Variant = None,
    username: Username = "",
    length: Annotated[int | None, typer.Option(help="Length, within the vendor's bounds.")] = None,
    exclude: Annotated[str, typer.Option(help="Characters to leave out, taken literally.")] = "",
    shell_safe: Annotated[
        bool, typer.Option("--shell-safe", help="Leave out characters that need quoting in a shell.")
    ] = False,
    url_safe: Annotated[
        bool, typer.Option("--url-safe", help="Leave out characters that need encoding in a URL.")
    ] = False,
    classes: Annotated[
        str, typer.Option(help="Classes of characters that must occur, such as upper,digit; or none.", metavar="NAMES")
    ] = "",
    as_json: Json = False,
) -> None:
    """Print passwords that the vendor's rules accept. Each such password is equally likely.

    Without an option, the deployment's setting that begins with `password_` applies, as in a rotation.

    No other command prints passwords. Nothing is sent or stored anywhere.
    """
    name, rules = policy_of(code, variant)
    wishes = PasswordWishes(
        length=length,
        exclude=exclude or None,
        shell_safe=shell_safe or None,
        url_safe=url_safe or None,
        classes=_classes(classes),
    )
    rules = wishes.over(wishes_of(code)).applied(rules)
    _note_variant(code, name, variant)
    for candidate in _candidates(rules, username, count):
        if nobody_reads():
            break
        if as_json:
            emit({"driver": code, "variant": name, "password": candidate.reveal()})
        else:
            sys.stdout.write(candidate.reveal() + "\n")


def _classes(text: str) -> tuple[str, ...] | None:
    if not text:
        return None
    try:
        return read_classes(text)
    except ValueError as fault:
        raise CommandUsageError(f"--classes {fault}") from None


def _candidates(rules: PasswordPolicy, username: str, count: int) -> Iterator[Secret]:
    if not username:
        return (rules.generate() for _ in range(count))
    context = Context(username=username)
    return (rules.generate(context) for _ in range(count))


def check(
    code: Code,
    *,
    variant: Variant = None,
    username: Username = "",
    previous: Annotated[
        bool, typer.Option("--previous", help="The first line is the present password; the others would replace it.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Read candidate passwords from standard input, one per line, and say which rules each one breaks.

    The output names each candidate by its line number and never prints it. Exits 1 when a candidate is refused.
    """
    name, rules = policy_of(code, variant)
    if sys.stdin.isatty():
        note("One candidate per line; end with Ctrl-D. What you type is visible.")
    _note_variant(code, name, variant)
    lines = _lines()
    old = next(lines, (0, None))[1] if previous else None
    context = Context(username=username, previous=old)
    refused = 0
    for number, candidate in lines:
        found = rules.problems(candidate, context)
        refused += bool(found)
        if as_json:
            problems = [{"code": each.code, "message": each.message} for each in found]
            emit({"driver": code, "variant": name, "line": number, "accepted": not found, "problems": problems})
            continue
        codes = ", ".join(dict.fromkeys(each.code for each in found))
        sys.stdout.write(f"line {number}: {tick(not found)} {codes or 'accepted'}\n")
        for each in found:
            sys.stdout.write(f"  {each.code}: {each.message}\n")
    return FAILED if refused else DONE


def _lines() -> Iterator[tuple[int, Secret]]:
    """Yield the numbered lines of standard input. Bytes that are no UTF-8 become characters that no vendor takes."""
    for number, line in enumerate(sys.stdin.buffer, start=1):
        text = line.decode(errors="surrogateescape")
        yield number, Secret(text.removesuffix("\n").removesuffix("\r"))


def _note_variant(code: str, name: str, asked: str | None) -> None:
    others = [each for each in spec(code).policies if each != name]
    if asked is None and others:
        note(f"policy variant: {name} (choose {' or '.join(others)} with --variant)")
