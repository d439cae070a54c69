"""Mask known secrets in a text, in every encoding in which a vendor may echo them."""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import quote, quote_plus

from rotation.core.secret import MASK, Secret


def scrub(text: str, secrets: tuple[Secret, ...]) -> str:
    """Return ``text`` with every secret masked: raw, in Base64, URL-encoded, JSON-escaped and in hexadecimal."""
    forms = {form for secret in secrets if secret for form in _forms(secret.reveal())}
    # One pass, longest form first: a secret may be part of another secret or of the mask.
    pattern = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
    return re.sub(pattern, MASK, text) if forms else text


def _forms(raw: str) -> set[str]:
    data = raw.encode(errors="surrogatepass")
    return {
        raw,
        base64.b64encode(data).decode(),
        base64.b64encode(data).decode().rstrip("="),
        base64.urlsafe_b64encode(data).decode(),
        base64.urlsafe_b64encode(data).decode().rstrip("="),
        quote(data),
        quote(data, safe=""),
        quote_plus(data),
        json.dumps(raw)[1:-1],
        json.dumps(raw, ensure_ascii=False)[1:-1],
        data.hex(),
        data.hex().upper(),
    }
