"""Every form in which a vendor may echo a secret is masked."""

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
    "base64 unpadded": lambda raw: FORMS["base64"](raw).rstrip("="),
    "base64 for URLs": lambda raw: base64.urlsafe_b64encode(raw.encode()).decode(),
    "base64 for URLs unpadded": lambda raw: FORMS["base64 for URLs"](raw).rstrip("="),
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
def test_every_form_of_a_secret_is_masked(form, raw):
    """A secret is masked in each form in which a vendor may echo it, and the text around it stays."""
    assert scrub(f"<{FORMS[form](raw)}>", (Secret(raw),)) == "<[secret]>"


@pytest.mark.parametrize(
    ("text", "secrets", "masked"),
    [
        pytest.param("canary-and-more canary", ("canary", "canary-and-more"), "[secret] [secret]", id="in another one"),
        pytest.param("xecretx abc", ("abc", "ecret"), "x[secret]x [secret]", id="in the mask"),
        pytest.param("text", ("",), "text", id="empty"),
        pytest.param("text", (), "text", id="none"),
        pytest.param("<canary\ud800>", ("canary\ud800",), "<[secret]>", id="not encodable"),
    ],
)
def test_odd_secrets_are_masked_as_a_whole(text, secrets, masked):
    """The longest secret goes first, the mask itself is not scrubbed, and a lone surrogate raises no error."""
    assert scrub(text, tuple(map(Secret, secrets))) == masked


@pytest.mark.parametrize("before", ["root:", "user@example.com:", "a", ""])
@pytest.mark.parametrize("after", ["", ":more", "x"])
def test_a_secret_inside_base64_is_masked_with_all_of_it(before, after: str):
    """Base64 of ``user:password`` is masked as a whole, wherever a group of three begins."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        said = encode(f"{before}c>?~canary-password{after}".encode()).decode()
        assert scrub(f"id <{said}>", (Secret("c>?~canary-password"),)) == "id <[secret]>"


def test_what_a_terminal_would_obey_is_spelled_out():
    """Control characters and those that turn the direction are escaped; words, lines and tabs stay."""
    assert printable("caf\u00e9 \u5bc6\n\tx") == "caf\u00e9 \u5bc6\n\tx"
    assert printable("\x1b[2J\x9b1m\u202ea\r\x7f") == "\\x1b[2J\\x9b1m\\u202ea\\r\\x7f"
