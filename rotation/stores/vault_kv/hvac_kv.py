"""``Kv`` over hvac, with every failure typed.

hvac's own exceptions hold the server's answer and its frames hold the candidate, so none of them gets out. A refused
connection, a time-out and a broken answer are ``OSError`` in requests, which hvac uses. OpenBao 2.7.2 says
"permission denied" both for a bad token and for a missing right (measured 2026-11), so a look-up of the token decides.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

import hvac
from hvac import exceptions

from rotation.core.document import SecretDocument
from rotation.core.errors import StageConflict, StoreDenied, StoreError, StoreUnavailable, StoreUnreachable
from rotation.core.process.unreached import Server, lasting
from rotation.core.settings import checked_path
from rotation.stores.vault_kv.kv import Entry, Metadata

T = TypeVar("T")
_NO_VERSION = 2**31 - 1

SERVER = Server("the Vault server", address="VAULT_ADDR (or BAO_ADDR)", authorities="VAULT_CACERT (or BAO_CACERT)")

_MOUNT = "Correct LOCKSTEP_VAULT_MOUNT, a setting of the deployment (`vault secrets list`); the namespace counts, too."
_RIGHTS = "Give the job's token the policy of docs/vault-kv.md for this path; the namespace counts, too."
_TOKEN = "The token has expired or was revoked: log in again, or give the job a longer or renewable one."  # noqa: S105 - a hint


class HvacKv:
    """One KV version 2 mount.

    Args:
        client: logged in, in its namespace.
        mount: of the engine.
    """

    def __init__(self, client: hvac.Client, mount: str) -> None:
        self._client = client
        self._mount = mount.strip("/")
        self._is_kv2 = False

    def read(self, path: str, *, version: int | None = None) -> Entry | None:
        """See ``Kv``."""
        checked_path(path.strip("/"), what="the path")
        return self._there(
            asked(
                self._client,
                lambda: self._api.read_secret_version(
                    path, version=version, mount_point=self._mount, raise_on_deleted_version=False
                ),
                _entry,
                what=f"read {self._mount}/data/{path}",
            )
        )

    def write(self, path: str, document: SecretDocument, *, cas: int) -> Entry:
        """See ``Kv``."""
        checked_path(path.strip("/"), what="the path")
        written = asked(
            self._client,
            lambda: self._put(path, document, cas),
            lambda answer: _version(answer["data"], document),
            what=f"create or update {self._mount}/data/{path}",
        )
        if written is None:
            raise StoreError("there is no KV version 2 engine at this mount", vendor_code="no_mount", hint=_MOUNT)
        return written

    def require_write(self, path: str) -> None:
        """See ``Kv``.

        A check-and-set that cannot succeed fails as a conflict where the token may write (OpenBao 2.7.2, measured
        2026-11).
        """
        try:
            self.write(path, SecretDocument({"lockstep": "rehearsal"}), cas=_NO_VERSION)
        except StageConflict:
            return
        raise StoreError("the mount took a check-and-set that could not succeed; it is not a KV version 2 engine")

    def _put(self, path: str, document: SecretDocument, cas: int) -> Any:  # noqa: ANN401 - JSON
        fields = json.loads(document.dump().reveal())
        return self._api.create_or_update_secret(path, fields, cas=cas, mount_point=self._mount)

    def metadata(self, path: str) -> Metadata | None:
        """See ``Kv``."""
        checked_path(path.strip("/"), what="the path")
        return self._there(
            asked(
                self._client,
                lambda: self._api.read_secret_metadata(path, mount_point=self._mount),
                _metadata,
                what=f"read {self._mount}/metadata/{path}",
            )
        )

    def list(self, folder: str) -> list[str]:
        """See ``Kv``."""
        if folder.strip("/"):
            checked_path(folder.strip("/"), what="the folder")
        names = asked(
            self._client,
            lambda: self._api.list_secrets(folder, mount_point=self._mount),
            lambda answer: [str(key) for key in answer["data"]["keys"]],
            what=f"list {self._mount}/metadata/{folder}",
        )
        return self._there(names) or []

    def _there(self, found: T | None) -> T | None:
        """Return what was found. Where nothing was, look once whether this is an engine that could hold it.

        A KV version 1 engine answers as if the entry did not exist. The servers' own ``kv`` command asks as we do, and
        any token with a right on the mount may; one that may not is answered by what follows.

        Raises:
            StoreError: ``no_mount``.
        """
        if found is not None or self._is_kv2:
            return found
        path = f"/v1/sys/internal/ui/mounts/{self._mount}"
        with suppress(StoreDenied):
            kind = asked(None, lambda: self._client.adapter.get(path), _engine, what=f"look at mount {self._mount}")
            if kind is not None and kind != "kv version 2":
                raise StoreError(
                    f"the engine at mount {self._mount} is {kind}, not kv version 2",
                    vendor_code="no_mount",
                    hint=f"{_MOUNT} `bao kv enable-versioning` makes a version 2 of a version 1.",
                )
        self._is_kv2 = True
        return None

    def annotate(self, path: str, custom: Mapping[str, str]) -> None:
        """See ``Kv``."""
        checked_path(path.strip("/"), what="the path")
        asked(
            self._client,
            lambda: self._annotate(path, custom),
            lambda _: True,
            what=f"update {self._mount}/metadata/{path}",
        )

    def _annotate(self, path: str, custom: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
        reply = self._api.update_metadata(path, custom_metadata=dict(custom), mount_point=self._mount)
        return {} if getattr(reply, "status_code", 0) == 204 else reply  # noqa: PLR2004 - done, without a body

    @property
    def _api(self) -> Any:  # noqa: ANN401 - hvac has no types
        return self._client.secrets.kv.v2


def asked(
    client: hvac.Client | None, call: Callable[[], object], parse: Callable[[Any], T], *, what: str = ""
) -> T | None:
    """Make one call, read its answer, and translate whatever goes wrong.

    Args:
        client: whose token is asked about after a refusal; ``None`` for a call without one.
        call: the call.
        parse: reads the answer's JSON; what it raises means that the answer is not what was expected.
        what: the action and the path, for the message of a refusal.

    Returns:
        What ``parse`` makes of the answer's JSON, ``None`` when the server says "not found".

    Raises:
        StageConflict: a check-and-set was lost.
        StoreDenied: ``vendor_code`` is ``permission_denied`` or ``token_invalid``.
        StoreUnavailable: ``vendor_code`` is ``sealed``, ``standby``, ``rate_limited``, ``not_initialized``,
            ``not_ready``, ``unreachable`` or ``server_error``.
        StoreError: the server does not take the request, or answers what such an engine does not.
    """
    outcome = _attempt(call, parse)
    if not isinstance(outcome, StoreError):
        return outcome
    if client is not None and outcome.vendor_code == "permission_denied" and not _token_works(client):
        raise StoreDenied(
            "the token is not valid (any more), or may not even look at itself",
            vendor_code="token_invalid",
            hint=_TOKEN,
        )
    if what and outcome.vendor_code == "permission_denied":
        raise outcome.changed(message=f"the token may not {what}")
    raise outcome


def _attempt(call: Callable[[], object], parse: Callable[[Any], T]) -> T | StoreError | None:
    """Return the failure instead of raising it: no frame of its trace may hold an answer."""
    try:
        answer = call()
        if not isinstance(answer, dict):
            return _strange(answer)
        return parse(answer)
    except exceptions.InvalidPath as error:
        no_mount = StoreError("there is no such mount", vendor_code="no_mount", hint=_MOUNT)
        # Of a destroyed version there is metadata, with which hvac answers only if the version was deleted, too.
        gone = isinstance(error.json, dict) and "data" in error.json
        return parse(error.json) if gone else no_mount if "no handler for route" in _said(error) else None
    except exceptions.VaultError as error:
        return _translated(error)
    except OSError as error:
        return unreached(error)
    except (AttributeError, KeyError, TypeError, ValueError):
        return StoreError("the answer is not the one that was expected", vendor_code="unexpected_answer")


def unreached(error: OSError) -> StoreError:
    """Return the failure of a request that got no answer: it lasts where a setting must be corrected."""
    found = lasting(error, str(getattr(getattr(error, "request", None), "url", "")), SERVER)
    if found is not None:
        return StoreUnreachable(found[0], hint=found[1], vendor_code="unreachable")
    return StoreUnavailable(f"the server could not be reached ({type(error).__name__})", vendor_code="unreachable")


def _translated(error: exceptions.VaultError) -> StoreError:  # noqa: PLR0911 - a table with one answer for each
    said = _said(error)
    match error:
        case exceptions.Forbidden() | exceptions.Unauthorized():
            return StoreDenied("the token may not do this", vendor_code="permission_denied", hint=_RIGHTS)
        case exceptions.RateLimitExceeded():
            return StoreUnavailable("a rate limit quota of the server is exceeded", vendor_code="rate_limited")
        case exceptions.VaultNotInitialized():
            return StoreUnavailable("the server is not initialised", vendor_code="not_initialized")
        case exceptions.VaultDown() if "sealed" in said:
            return StoreUnavailable(
                "the server is sealed", vendor_code="sealed", hint="Unseal the server. The job then continues."
            )
        case exceptions.InvalidRequest() if "check-and-set parameter did not match" in said:
            return StageConflict("the entry was written by another client", vendor_code="check_and_set")
        case exceptions.InvalidRequest() if "from non-versioned to versioned data" in said:
            # Right after mounting, unsealing or a change of leader, as a 400: the active node is "upgrading", a standby
            # "waiting for the primary to upgrade" (OpenBao 2.7.2, measured 2026-11-22).
            return StoreUnavailable("the engine is not ready yet", vendor_code="not_ready")
        case exceptions.InvalidRequest():
            return StoreError("the server does not take the request", vendor_code="invalid_request")
        case exceptions.InternalServerError() if "active" in said:
            return StoreUnavailable("a standby node found no active one", vendor_code="standby")
    return StoreUnavailable("the server failed", vendor_code="server_error")


def _said(error: exceptions.VaultError) -> str:
    return " ".join(map(str, error.errors or [])).lower()


def _strange(answer: object) -> StoreError:
    status = int(getattr(answer, "status_code", 0))
    if 300 <= status < 400:  # noqa: PLR2004 - redirects
        return StoreUnavailable(
            "a standby node points elsewhere",
            vendor_code="standby",
            hint="Give the job the active node's address, or let the nodes forward requests.",
        )
    return StoreUnavailable("the answer is no JSON object", vendor_code="server_error")


def _token_works(client: hvac.Client) -> bool:
    try:
        client.auth.token.lookup_self()
    except exceptions.Forbidden:
        return False
    except (exceptions.VaultError, OSError, ValueError):
        return True  # The question has no answer, so the refusal is reported as the server gave it.
    return True


def _engine(answer: Any) -> str:  # noqa: ANN401 - JSON
    fields = answer["data"]
    version = (fields.get("options") or {}).get("version", "1")
    return f"kv version {version}" if fields["type"] == "kv" else f"of type {fields['type']}"


def _entry(answer: Any) -> Entry:  # noqa: ANN401 - JSON
    fields, meta = answer["data"]["data"], answer["data"]["metadata"]
    return _version(meta, None if fields is None else SecretDocument(fields))


def _version(meta: Any, document: SecretDocument | None) -> Entry:  # noqa: ANN401 - JSON
    return Entry(
        version=int(meta["version"]),
        created=str(meta["created_time"]),
        document=document,
        custom=_texts(meta.get("custom_metadata")),
    )


def _metadata(answer: Any) -> Metadata:  # noqa: ANN401 - JSON
    fields = answer["data"]
    version = int(fields["current_version"])
    newest = (fields["versions"] or {}).get(str(version))
    return Metadata(
        version=version,
        created=None if newest is None else datetime.fromisoformat(newest["created_time"]).timestamp(),
        readable=newest is not None and not newest["destroyed"] and not _is_past(newest["deletion_time"]),
        custom=_texts(fields.get("custom_metadata")),
        begun=datetime.fromisoformat(fields["created_time"]).timestamp(),
    )


def _is_past(moment: str) -> bool:
    """Versions may be given a time of deletion to come (``delete_version_after``)."""
    return bool(moment) and datetime.fromisoformat(moment) <= datetime.now(UTC)


def _texts(value: object) -> Mapping[str, str]:
    return {str(key): str(text) for key, text in value.items()} if isinstance(value, dict) else {}
