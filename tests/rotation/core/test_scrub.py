"""Every form in which a vendor may echo a secret is masked."""

import base64
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest

from rotation.core.scrub import scrub
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
