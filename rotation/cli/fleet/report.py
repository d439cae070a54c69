"""The page for people: one file of HTML that asks for nothing from outside.

Names, tags and labels are hostile input: each is escaped, and the page's policy allows no style and no script but its
own two, by their digests.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from importlib.resources import files

from rotation.core.clock import date_of
from rotation.core.scrub import printable
from rotation.stores.aws.fleet.fleet_secret import DAY, FleetSecret

_AGES = ((7, "under 7 d"), (30, "7 to 30 d"), (60, "30 to 60 d"), (90, "60 to 90 d"), (180, "90 to 180 d"))
_OLDEST = "180 d or more"
_SOON = 30
_PART = 250
_COLUMNS = (
    ("secret", ""),
    ("driver", ""),
    ("outcome", ""),
    ("evidence", ""),
    ("days", "n"),
    ("next", ""),
    ("state", ""),
)


def pieces(secrets: Sequence[FleetSecret], now: float) -> Iterator[str]:
    """Yield the page in pieces."""
    here = files("rotation.cli.fleet")
    style, script = ((here / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    policy = f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; base-uri 'none'; "
    policy += "form-action 'none'"
    yield (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>Lockstep: {len(secrets)} secrets</title><style>{style}</style></head>\n<body><main>"
        f"<h1>Secrets that Lockstep rotates</h1><p class=soft>As of {_time(now)}, by names, dates, tags and labels. No "
        "value was read. Labels give an overview and are no proof: <code>lockstep verify</code> asks the vendor.</p>\n"
    )
    yield _sums(secrets, now)
    yield from _humans(secrets)
    yield from _late(secrets, now)
    yield _ages(secrets, now)
    yield _evidence(secrets)
    yield from _coming(secrets, now)
    yield from _all(secrets, now)
    yield f"</main><script>{script}</script></body></html>\n"


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _text(value: object) -> str:
    return escape(printable(str(value)))


def _hint(text: str) -> str:
    """Return a hint with its commands set as such."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", _text(text))


def _time(epoch: float) -> str:
    return f"{date_of(epoch):%Y-%m-%d %H:%M} UTC"


def _day(epoch: float | None) -> str:
    return "" if epoch is None else f"{date_of(epoch):%Y-%m-%d}"


def _sums(secrets: Sequence[FleetSecret], now: float) -> str:
    sums = [
        ("secrets", len(secrets), ""),
        ("need a human", sum(each.needs_human for each in secrets), "bad"),
        ("overdue", sum(each.overdue(now) for each in secrets), "bad"),
        ("wait by themselves", sum(each.reason is not None and not each.needs_human for each in secrets), "warn"),
        ("not bound", sum(not each.bound for each in secrets), "warn"),
    ]
    cells = (
        f"<li{f' class={kind}' if number and kind else ''}><b>{number}</b>{name}</li>" for name, number, kind in sums
    )
    return f"<ul class=sums>{''.join(cells)}</ul>\n"


def _table(label: str, heads: Sequence[tuple[str, str]], rows: Iterable[str]) -> Iterator[str]:
    """Yield a table; a head is its text and its class, and each row is its cells as HTML."""
    columns = "".join(f"<th scope=col{f' class={each}' if each else ''}>{name}</th>" for name, each in heads)
    yield f'<div class=wide tabindex=0 role=region aria-label="{label}"><table>'
    yield f"<thead><tr>{columns}</tr></thead><tbody>\n"
    for row in rows:
        yield f"<tr>{row}</tr>\n"
    yield "</tbody></table></div>\n"


def _humans(secrets: Sequence[FleetSecret]) -> Iterator[str]:
    """Yield a table for each reason, the commonest first: the next step is the same for all of its secrets."""
    yield "<section class=list><h2>Needs a human</h2>\n"
    found: dict[str, list[FleetSecret]] = {}
    for each in secrets:
        if each.needs_human:
            found.setdefault(each.reason or "", []).append(each)
    if not found:
        yield "<p>No secret does.</p></section>\n"
        return
    for reason, those in sorted(found.items(), key=lambda pair: -len(pair[1])):
        said = _text(reason.replace("_", " "))
        yield f"<h3>{said}: {len(those)}</h3><p>{_hint(those[0].why)}</p>\n"
        rows = (f"<td>{_text(each.name)}</td><td>{_text(each.driver or 'not bound')}</td>" for each in those)
        yield from _table(f"Secrets that need a human: {said}", (("secret", ""), ("driver", "")), rows)
    yield "</section>\n"


def _late(secrets: Sequence[FleetSecret], now: float) -> Iterator[str]:
    yield "<section class=list><h2>Overdue</h2>\n"
    found = sorted((each for each in secrets if each.overdue(now)), key=lambda each: each.next_rotation or 0.0)
    if not found:
        yield "<p>No scheduled rotation is late.</p></section>\n"
        return
    heads = (("secret", ""), ("driver", ""), ("was due", ""), ("days late", "n"), ("outcome", ""))
    rows = (
        f"<td>{_text(each.name)}</td><td>{_text(each.driver or '')}</td><td>{_day(each.next_rotation)}</td>"
        f"<td class=n>{(now - (each.next_rotation or now)) / DAY:.0f}</td><td>{each.outcome.value}</td>"
        for each in found
    )
    yield from _table("Secrets whose rotation is late", heads, rows)
    yield "</section>\n"


def _ages(secrets: Sequence[FleetSecret], now: float) -> str:
    names = [name for _, name in _AGES] + [_OLDEST]
    counted = Counter(next((name for days, name in _AGES if each.age(now) < days * DAY), _OLDEST) for each in secrets)
    most = max(counted.values(), default=0) or 1
    bars = []
    for at, name in enumerate(names):
        top = 24 * at
        bars.append(
            f'<text x="0" y="{top + 16}">{name}</text>'
            f'<rect x="110" y="{top + 3}" width="{420 * counted[name] / most:.1f}" height="18"/>'
            f'<text x="{116 + 420 * counted[name] / most:.1f}" y="{top + 16}">{counted[name]}</text>'
        )
    said, height = ", ".join(f"{counted[name]} {name}" for name in names), 24 * len(names)
    return (
        "<section><h2>Age of passwords</h2><figure>"
        f'<svg viewBox="0 0 600 {height}" width="600" role="img" aria-label="Age: {said}">{"".join(bars)}</svg>'
        "<figcaption>Since the latest rotation, or since the secret was made if there was none.</figcaption></figure>"
        "</section>\n"
    )


def _evidence(secrets: Sequence[FleetSecret]) -> str:
    names = {"LOGIN": "a login", "READBACK": "the vendor's API returned it", "ACCEPTED": "the vendor said yes"}
    counted = Counter(each.evidence.name if each.evidence else "" for each in secrets)
    rows = "".join(
        f"<tr><td>{key}</td><td>{what}</td><td class=n>{counted[key]}</td></tr>" for key, what in names.items()
    )
    rows += f"<tr><td>none</td><td>no rotation has proved it</td><td class=n>{counted['']}</td></tr>"
    heads = "<tr><th scope=col>evidence</th><th scope=col>how</th><th scope=col class=n>secrets</th></tr>"
    return (
        "<section><h2>How current passwords were proved</h2><table>"
        f"<thead>{heads}</thead><tbody>{rows}</tbody></table></section>\n"
    )


def _coming(secrets: Sequence[FleetSecret], now: float) -> Iterator[str]:
    yield f"<section><h2>Next {_SOON} days</h2>\n"
    until = now + _SOON * DAY
    dates = (each.next_rotation for each in secrets if each.enabled)
    days = Counter(_day(at) for at in dates if at is not None and now <= at < until)
    if not days:
        yield "<p>No rotation is scheduled.</p></section>\n"
        return
    rows = (f"<td>{day}</td><td class=n>{number}</td>" for day, number in sorted(days.items()))
    yield from _table("Scheduled rotations by day", (("day", ""), ("rotations", "n")), rows)
    yield "</section>\n"


def _all(secrets: Sequence[FleetSecret], now: float) -> Iterator[str]:
    """Yield a table in parts: a browser lays out only the parts that are seen, so that ten thousand rows open at once.

    The headings of the second part and the later ones are for screen readers alone.
    """
    yield "<section class=all><h2>All secrets</h2>\n"
    if not secrets:
        yield "<p>There is none.</p></section>\n"
        return
    columns = "".join(f"<th scope=col{f' class={kind}' if kind else ''}>{name}</th>" for name, kind in _COLUMNS)
    widths = "".join(f"<col class={name}>" for name, _ in _COLUMNS)
    yield '<div class="wide sortable" tabindex=0 role=region aria-label="All secrets">'
    for at in range(0, len(secrets), _PART):
        hidden = " class=unseen" if at else ""
        yield f"<div class=part><table><colgroup>{widths}</colgroup><thead{hidden}><tr>{columns}</tr></thead><tbody>\n"
        for each in secrets[at : at + _PART]:
            yield f"<tr>{_row(each, now)}</tr>\n"
        yield "</tbody></table></div>"
    yield "</div></section>\n"


def _row(each: FleetSecret, now: float) -> str:
    state, kind = "", ""
    if each.needs_human:
        state, kind = "needs a human", " class=bad"
    elif each.overdue(now):
        state, kind = "overdue", " class=bad"
    elif each.reason is not None:
        state, kind = f"waits: {each.reason.replace('_', ' ')}", " class=warn"
    return (
        f"<td>{_text(each.name)}</td><td>{_text(each.driver or 'not bound')}</td><td>{each.outcome.value}</td>"
        f"<td>{each.evidence.name if each.evidence else 'none'}</td><td class=n>{each.age(now) / DAY:.0f}</td>"
        f"<td>{_day(each.next_rotation) if each.enabled else 'off'}</td><td{kind}>{_text(state)}</td>"
    )
