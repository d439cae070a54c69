"""The page: complete, self-contained, and safe whatever names and labels say."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from rotation.cli.fleet.report import pieces
from rotation.core.values import Evidence
from rotation.stores.aws.fleet.fleet_secret import FleetSecret, Outcome

NOW, DAY = 1_790_000_000.0, 86_400.0
VOID = {"meta", "rect", "col"}


def secret(name, **changes):
    """Return a secret that is fine."""
    fields = {
        "arn": f"arn:aws:secretsmanager:eu-central-1:111122223333:secret:{name}-AbCdEf",
        "driver": "ucloud_compshare",
        "outcome": Outcome.COMMITTED,
        "evidence": Evidence.LOGIN,
        "since": NOW - 10 * DAY,
        "next_rotation": NOW + 20 * DAY,
        "enabled": True,
        "function": None,
        "reset_sent": False,
        "reason": None,
        "not_before": None,
        "pending": None,
    }
    return FleetSecret(name=name, **(fields | changes))


class Page(HTMLParser):
    """The elements, the texts of cells and the attributes that ask for something."""

    def __init__(self, text):
        super().__init__()
        self.open, self.cells, self.asks, self.tags = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        """Note an element, and what could load something or run."""
        self.tags.append(tag)
        names = {"src", "href", "srcset", "data", "action", "style", "background"}
        self.asks += [(tag, name) for name, _ in attrs if name in names or name.startswith("on")]
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_startendtag(self, tag, attrs):
        """An element that is closed at once."""
        assert tag in VOID
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag):
        """Every element is closed in order."""
        assert self.open.pop() == tag

    def handle_data(self, data):
        """Collect the texts of cells."""
        if self.open and self.open[-1] in ("td", "th"):
            self.cells[-1] += data


def page(*secrets):
    """Return the page's text and its elements."""
    text = "".join(pieces(secrets, NOW))
    return text, Page(text)


def test_an_empty_fleet_has_a_page():
    """Nothing is divided by zero, and each part says that there is nothing."""
    text, parsed = page()
    assert parsed.open == []
    for said in ("No secret does.", "No scheduled rotation is late.", "No rotation is scheduled."):
        assert said in text


def test_the_page_asks_for_nothing_from_outside():
    """No address, no inline handler, no style attribute; the policy allows one style and one script by digest."""
    text, parsed = page(secret("app/a"))
    assert parsed.asks == []
    assert parsed.tags.count("script") == parsed.tags.count("style") == 1
    policy = re.search(r'Security-Policy" content="([^"]*)"', text)[1]
    assert policy.startswith("default-src 'none'; ")
    for kind in ("style", "script"):
        own = re.search(rf"<{kind}>(.*?)</{kind}>", text, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert not re.search(r"https?://|//[a-z]+\.|url\(|@import|fetch\(|innerHTML", text)


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", '"><img src=x onerror=a>', "</td></table>", "a\x1b[31m"]
)
def test_hostile_names_and_reasons_are_text(hostile):
    """They stand in their cells as they are, but for control characters, and make no element."""
    _, parsed = page(secret(hostile, driver=hostile, reason=hostile, outcome=Outcome.PARKED), secret("app/b"))
    assert parsed.open == []
    assert {"img", "b2"}.isdisjoint(parsed.tags)
    assert parsed.tags.count("script") == 1
    assert not any("\x1b" in each for each in parsed.cells)
    assert hostile in parsed.cells or "\x1b" in hostile
    assert "h3" in parsed.tags


def test_what_needs_a_human_says_why_and_what_to_do():
    """The next step is that of ``parking``, once for all secrets of a reason; the commonest reason comes first."""
    text, parsed = page(
        secret("app/odd", reason="unheard_of", outcome=Outcome.PARKED),
        *(secret(f"app/stuck-{each}", reason="external_change", outcome=Outcome.PARKED) for each in "ab"),
    )
    assert re.findall(r"<h3>(.*?)</h3>", text) == ["external change: 2", "unheard of: 1"]
    assert text.count("put the live password into the secret") == 1
    assert "Run <code>lockstep doctor</code> first" in text
    assert "`" not in text
    at = parsed.cells.index("app/stuck-a")
    assert parsed.cells[at : at + 4] == ["app/stuck-a", "ucloud_compshare", "app/stuck-b", "ucloud_compshare"]


def test_late_soon_age_and_evidence_are_counted():
    """Each secret is in its row, bar and day."""
    text, parsed = page(
        secret("app/late", next_rotation=NOW - 3 * DAY, since=NOW - 200 * DAY),
        secret("app/soon", next_rotation=NOW + DAY, evidence=Evidence.ACCEPTED),
        secret("app/off", enabled=False, next_rotation=NOW - DAY, evidence=None),
    )
    at = parsed.cells.index("days late")
    assert parsed.cells[at + 2] == "app/late"
    assert parsed.cells[at + 5] == "3"
    assert "Age: 0 under 7 d, 2 7 to 30 d, 0 30 to 60 d, 0 60 to 90 d, 0 90 to 180 d, 1 180 d or more" in text
    assert [parsed.cells[parsed.cells.index(each) + 2] for each in ("LOGIN", "READBACK", "ACCEPTED")] == ["1", "0", "1"]
    assert "2026-09-22" in parsed.cells


def test_a_page_of_ten_thousand_secrets_is_small():
    """A row costs under 300 bytes, so that a browser opens the page at once."""
    text, _ = page(*[secret(f"lockstep/ucloud_compshare/app-{number:05}") for number in range(10_000)])
    assert len(text) < 3_000_000
