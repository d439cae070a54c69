"""One call of a vendor's API: sign it, send it once, and read the answer as a result or as a typed error.

A family (``families/``) has two methods for what its vendor does in its own way: ``sign`` makes the request,
``outcome`` reads an answer. The rest is the same for every vendor, in this order:

1. the driver's error table knows the code that the vendor refused with: raise the table's error;
2. the HTTP status means the same everywhere (``check_status``): raise its error, with the code if it looks like one;
3. the vendor refused with a code that no table knows: raise ``UnexpectedReply``;
4. the answer is no JSON object, or is not in the vendor's form: raise ``OutcomeUnknown`` for a change, since the change
   may have been made, and ``UnexpectedReply`` for anything else;
5. return the result.

What a read or a login raises is definite: it changed nothing, although a login may count as a wrong one.

Example: Volcengine answers a reset with HTTP 400 and ``{"ResponseMetadata": {"Error": {"Code": "UserNotFound"}}}``.
``outcome`` returns ``Refusal("UserNotFound")``, the table has a row for it, and ``AccountUnusable`` is raised.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Generic, TypeVar
from urllib.parse import urlsplit

from rotation.core.errors import DriverError, OutcomeUnknown, PasswordRejected, UnexpectedReply
from rotation.drivers.contract import Wiring
from rotation.drivers.error_table import ErrorRow, error_for, printable_code
from rotation.drivers.network.http_messages import HttpReply, HttpRequest, check_status, parsed_object

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Refusal:
    """The vendor said no.

    Attributes:
        code: the vendor's code as the error table writes it.
        request_id: the vendor's request id, where it is in the body and not in a header.
        names_password: whether the vendor names the password as the parameter that it refused.
    """

    code: str
    request_id: str | None = None
    names_password: bool = False


@dataclass(frozen=True, slots=True)
class Malformed:
    """The answer is not in the vendor's form; ``problem`` completes "the vendor's answer …"."""

    problem: str


_WEB_PAGE = "a web page: a proxy, a gateway or a captive portal answered in the vendor's place"


def is_web_page(reply: HttpReply) -> bool:
    """Return whether an answer is HTML, which no vendor's API sends."""
    return reply.body.lstrip()[:1] == b"<"


def nothing_changed(unread: UnexpectedReply) -> UnexpectedReply:
    """Return the error for an answer to a read or a login: what it says is unknown, but nothing was changed."""
    return unread.changed(definite=True)


@dataclass(frozen=True, kw_only=True)
class VendorApi(ABC, Generic[T]):
    """One vendor's API, as one driver calls it."""

    wiring: Wiring
    table: tuple[ErrorRow, ...]
    refuses_with_200: ClassVar[bool] = False
    """Whether the vendor words every refusal with HTTP 200; then any other status comes from a gateway or a proxy."""

    @abstractmethod
    def sign(self, action: str, body: Mapping[str, object]) -> HttpRequest:
        """Return the signed request for an action. It need not say whether it changes anything."""

    @abstractmethod
    def outcome(self, answer: dict[str, object]) -> T | Refusal | Malformed:
        """Read the JSON object that the vendor answered with."""

    @property
    def host(self) -> str:
        """The endpoint's host, with its port where it names one."""
        return urlsplit(self.wiring.endpoint).netloc

    def url(self, path: str = "/") -> str:
        """Return the address of a path at the endpoint."""
        return self.wiring.endpoint.rstrip("/") + path

    def call(self, action: str, body: Mapping[str, object], *, on: str = "read") -> T:
        """Make one signed call, a ``change``, ``login`` or ``read`` as in ``ErrorRow.on``, and return its result.

        Raises:
            DriverError: as the module says.
        """
        request = replace(self.sign(action, body), changes=on == "change")
        try:
            return self._result(self.wiring.http.send(request), on=on)
        except UnexpectedReply as unread:
            failure = unread if request.changes else nothing_changed(unread)
        raise failure

    def parsed(self, reply: HttpReply, *, on: str) -> dict[str, object] | None:  # noqa: ARG002 - for the families that override it
        """Return the JSON object of an answer, or ``None`` where there is none."""
        return parsed_object(reply)

    def known_error(self, reply: HttpReply, refusal: Refusal | None, *, on: str) -> DriverError | None:
        """Return the error that the vendor's documents give for an answer."""
        if refusal is None:
            return None
        request_id = refusal.request_id or reply.request_id
        if refusal.names_password and on == "change":
            return PasswordRejected("the vendor refused the password", vendor_code=refusal.code, request_id=request_id)
        return error_for(self.table, refusal.code, on=on, request_id=request_id)

    def _result(self, reply: HttpReply, *, on: str) -> T:
        changes = on == "change"
        if self.refuses_with_200:
            check_status(reply, changes=changes)
        answer = self.parsed(reply, on=on)
        form = _WEB_PAGE if is_web_page(reply) else "no JSON object"
        no_json = Malformed(f"(HTTP {reply.status}) is {form}")
        outcome = no_json if answer is None else self.outcome(answer)
        refusal = outcome if isinstance(outcome, Refusal) else None
        error = self.known_error(reply, refusal, on=on)
        if error is not None:
            raise error
        code = None if refusal is None else printable_code(refusal.code)
        check_status(reply, changes=changes, vendor_code=code)
        if isinstance(outcome, Refusal):
            message = "the vendor refused with a code that we do not know" + (f" ({code})" if code else "")
            raise UnexpectedReply(message, vendor_code=code, request_id=outcome.request_id or reply.request_id)
        if isinstance(outcome, Malformed):
            kind = OutcomeUnknown if changes else UnexpectedReply
            raise kind(f"the vendor's answer {outcome.problem}", request_id=reply.request_id)
        return outcome
