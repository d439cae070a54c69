"""The vendor's API: an administrator's token on the calls that need one, and its form of answers.

Source: a real driver names the vendor's pages and their dates here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from rotation.drivers import HttpRequest, Malformed, Refusal, Secret, VendorApi

CHECK = "POST /v1/check"


@dataclass(frozen=True, kw_only=True)
class AcmeApi(VendorApi[dict[str, object]]):
    """One directory. An action is a method and a path."""

    token: Secret

    def sign(self, action: str, body: Mapping[str, object]) -> HttpRequest:
        """See ``VendorApi``. A check of a password is the user's own call, and gets no token."""
        method, path = action.split(" ", 1)
        headers = {"Content-Type": "application/json"}
        if action != CHECK:
            headers["X-Acme-Token"] = self.token.reveal()
        return HttpRequest(method=method, url=self.url(path), headers=headers, body=json.dumps(body).encode())

    def outcome(self, answer: dict[str, object]) -> dict[str, object] | Refusal | Malformed:
        """See ``VendorApi``."""
        error = answer.get("error")
        if error is None:
            return answer
        return Refusal(str(error.get("code"))) if isinstance(error, dict) else Malformed("has a strange error")
