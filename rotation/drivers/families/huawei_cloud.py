"""Transport that Huawei Cloud's REST products share: JSON both ways, and a code in one of three spellings.

The calls that log in differ, so the headers that authorise a call are a field of the API's object and not a signature.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from rotation.drivers.network.http_messages import HttpReply, HttpRequest, parsed_object
from rotation.drivers.vendor_api import Malformed, Refusal, VendorApi


@dataclass(frozen=True, kw_only=True)
class HuaweiCloud(VendorApi[dict[str, object]]):
    """One product's API. An action is a method and a path, such as ``PUT /v1/usg/acs/password``.

    Attributes:
        authorization: the headers that authorise a call.
        code_prefix: pattern of what stands before a code and is no part of it in the error table.
    """

    authorization: Mapping[str, str] = field(default_factory=dict, repr=False)
    code_prefix: str = ""

    def sign(self, action: str, body: Mapping[str, object]) -> HttpRequest:
        """See ``VendorApi``. An action without parameters has no body."""
        method, _, path = action.partition(" ")
        return HttpRequest(
            method=method,
            url=self.url(path),
            headers={
                "Content-Type": "application/json; charset=UTF-8",
                "Accept-Language": "en-US",
                **self.authorization,
            },
            body=json.dumps(body).encode() if body else b"",
        )

    def outcome(self, answer: dict[str, object]) -> dict[str, object] | Refusal | Malformed:
        """See ``VendorApi``. The code may have any of the three spellings that the vendor's own client accepts."""
        spellings = (answer.get(key) for key in ("error_code", "errorCode", "code"))
        spelled = next((value for value in spellings if isinstance(value, str | int)), None)
        if spelled is None:
            return answer
        code = re.sub(rf"^(?:{self.code_prefix})", "", str(spelled))
        return answer if re.fullmatch(r"0*", code) else Refusal(code)

    def parsed(self, reply: HttpReply, *, on: str) -> dict[str, object] | None:
        """See ``VendorApi``. An empty answer to a change counts as ``{}`` when the vendor itself says that it is empty.

        The page on a change lists no body, its sample has one. No JSON type means that a proxy answered, no length
        means that the answer was cut.
        """
        empty = reply.headers.get("content-length") == "0" and "json" in reply.headers.get("content-type", "")
        return {} if on == "change" and empty and reply.ok else parsed_object(reply)
