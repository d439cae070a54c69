"""Every form in which a vendor may echo a secret is masked."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest

from rotation.core.scrub import printable, scrub
from rotation.core.secret import Secret

FORMS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "base64": lambda raw: base64.b64encode(raw.encode()).decode(),
    "base64 unpadded": lambda raw: base64.b64encode(raw.encode()).decode().rstrip("="),
    "base64 for URLs": lambda raw: base64.urlsafe_b64encode(raw.encode()).decode(),
    "base64 for URLs unpadded": lambda raw: base64.urlsafe_b64encode(raw.encode()).decode().rstrip("="),
    "URL": quote,
    "URL part": lambda raw: quote(raw, safe=""),
    "form": quote_plus,
    "JSON": lambda raw: json.dumps(raw)[1:-1],
    "JSON in UTF-8": lambda raw: json.dumps(raw, ensure_ascii=False)[1:-1],
    "hex": lambda raw: raw.encode().hex(),
    "upper-case hex": lambda raw: raw.encode().hex().upper(),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("raw", ["canary/new +%Ä", 'canary?old&"\\=', "c>?~ÿÿ", "密码😀canary", "canary\n\t", "ab"])
def test_every_form_of_a_secret_is_masked(form: str, raw: str) -> None:
    """As vendors echo them; the text around stays."""
    assert scrub(f"<{FORMS[form](raw)}>", (Secret(raw),)) == "<[secret]>"


def test_a_secret_inside_another_does_not_leave_the_rest() -> None:
    """The longest goes first, whatever their order."""
    short, long = Secret("canary"), Secret("canary-and-more")
    assert scrub("canary-and-more canary", (short, long)) == "[secret] [secret]"


def test_a_secret_inside_the_mask_does_not_garble_it() -> None:
    """One pass over the text."""
    assert scrub("xecretx abc", (Secret("abc"), Secret("ecret"))) == "x[secret]x [secret]"


def test_an_empty_secret_masks_nothing() -> None:
    """It stands everywhere."""
    assert scrub("text", (Secret(""),)) == "text"
    assert scrub("text", ()) == "text"


def test_a_secret_that_utf8_cannot_encode_is_masked() -> None:
    """An encoding error would carry it."""
    assert scrub("<canary\ud800>", (Secret("canary\ud800"),)) == "<[secret]>"


@pytest.mark.parametrize("before", ["root:", "user@example.com:", "a", ""])
@pytest.mark.parametrize("after", ["", ":more", "x"])
def test_a_secret_inside_base64_is_masked_with_all_of_it(before: str, after: str) -> None:
    """Base64 of ``user:password`` is masked as a whole, wherever a group of three begins."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        said = encode(f"{before}c>?~canary-password{after}".encode()).decode()
        assert scrub(f"id <{said}>", (Secret("c>?~canary-password"),)) == "id <[secret]>"


def test_what_a_terminal_would_obey_is_spelled_out() -> None:
    """Control characters and those that turn the direction are escaped; words, lines and tabs stay."""
    assert printable("caf\u00e9 \u5bc6\n\tx") == "caf\u00e9 \u5bc6\n\tx"
    assert printable("\x1b[2J\x9b1m\u202ea\r\x7f") == "\\x1b[2J\\x9b1m\\u202ea\\r\\x7f"
