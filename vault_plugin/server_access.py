"""How Vault or OpenBao is reached: address, TLS and token, by the variables of the servers' own commands.

``BAO_*`` overrides ``VAULT_*``. The commands ``vault`` and ``bao`` are the measure (OpenBao 2.7.2, measured
2026-11-30): a token comes from the variable, else from ``~/.vault-token``, whose line end does not count; a token with
a character that cannot be printed is refused; the certificates of ``*_CACERT`` and of every file in ``*_CAPATH``,
whatever its name, are trusted instead of the system's; a client certificate needs its key. Example: with
``BAO_SKIP_VERIFY=true`` no certificate is checked, and with ``BAO_SKIP_VERIFY=yes`` nothing is called, since ``yes`` is
none of Go's booleans.
"""

from __future__ import annotations

import logging
import ssl
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import hvac
from urllib3.exceptions import InsecureRequestWarning

from rotation.core import settings
from rotation.core.proxies import without_proxy
from rotation.core.secret import Secret

_LOG = logging.getLogger("lockstep.vault")
_YES = frozenset({"1", "t", "T", "true", "True", "TRUE"})
_NO = frozenset({"", "0", "f", "F", "false", "False", "FALSE"})
UNPRINTABLE = "has a character that cannot be printed, such as a line end"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerAccess:
    """Where a server is, and how both sides prove who they are.

    Attributes:
        address: the API's base URL.
        namespace: the namespace of every request, if any.
        authorities: the certificates to trust, PEM; ``None`` for the system's.
        certificate: the files of the client's certificate and key, if the server asks for one.
        checked: whether the server's certificate is checked.
    """

    address: str
    namespace: str | None = None
    authorities: str | None = None
    certificate: tuple[str, str] | None = None
    checked: bool = True

    @classmethod
    def read(cls, environment: Mapping[str, str], faults: list[str]) -> ServerAccess:
        """Read the variables and append each fault to ``faults``; without a new fault the result can be used."""
        address, namespace = variable(environment, "ADDR"), variable(environment, "NAMESPACE")
        problem = settings.base_url(address) if address else "is missing"
        faults.extend([f"VAULT_ADDR {problem}"] if problem else [])
        faults.extend([f"VAULT_NAMESPACE {UNPRINTABLE}"] if unprintable(namespace) else [])
        skip = variable(environment, "SKIP_VERIFY")
        faults.extend([] if skip in _YES | _NO else ["VAULT_SKIP_VERIFY must be true or false"])
        return cls(
            address=address.rstrip("/"),
            namespace=namespace or None,
            authorities=_authorities(environment, faults),
            certificate=_certificate(environment, faults),
            checked=skip not in _YES,
        )

    def client(self, token: Secret | None, *, timeout: float, at_root: bool = False) -> Any:  # noqa: ANN401 - hvac has no types
        """Return a client; its owner closes it.

        Args:
            token: ``None`` for requests without one.
            timeout: seconds for each read.
            at_root: whether the requests go to the root namespace.
        """
        client = hvac.Client(
            self.address,
            token="" if token is None else token.reveal(),  # with None hvac looks for a token by itself
            namespace=None if at_root else self.namespace,
            verify=self.checked,
            cert=self.certificate,
            timeout=timeout,
            proxies=without_proxy(self.address),
            allow_redirects=False,  # a redirect would carry the token and the candidate to another host
        )
        if not self.checked:
            _LOG.warning("VAULT_SKIP_VERIFY is set: the server's certificate is not checked")
            warnings.simplefilter("ignore", InsecureRequestWarning)  # said once above, not at each request
        elif self.authorities is not None:
            _trust(client.session.get_adapter("https://"), self.authorities)
        return client


def _trust(adapter: Any, authorities: str) -> None:  # noqa: ANN401 - only the HTTP door imports requests
    """Make an adapter of requests trust these authorities and no others.

    Given the path of a folder, requests trusts only what OpenSSL's ``rehash`` has indexed in it.
    """
    context, verify, through = _context(authorities), adapter.cert_verify, adapter.proxy_manager_for
    adapter.init_poolmanager(adapter._pool_connections, adapter._pool_maxsize, ssl_context=context)  # noqa: SLF001 - no other way to its sizes

    def cert_verify(pool: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as above
        verify(pool, *args, **kwargs)
        pool.ca_certs = pool.ca_cert_dir = None  # the context has its authorities already

    adapter.cert_verify, adapter.proxy_manager_for = cert_verify, partial(through, ssl_context=context)


def _context(authorities: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # as in Go, an intermediate authority is enough
    context.load_verify_locations(cadata=authorities)
    return context


def variable(environment: Mapping[str, str], name: str) -> str:
    """Return ``BAO_NAME``, or else ``VAULT_NAME``, or else an empty text."""
    return environment.get(f"BAO_{name}") or environment.get(f"VAULT_{name}") or ""


def unprintable(text: str) -> bool:
    """Return whether a text cannot be in a header, such as one that was read with the end of its line."""
    return not (text.isascii() and text.isprintable())


def token(environment: Mapping[str, str], faults: list[str]) -> Secret:
    """Return the token of the variable, or else of the file that ``login`` of the servers' own commands leaves."""
    found = variable(environment, "TOKEN")
    if not found and environment.get("HOME"):
        found = _left_by_login(Path(environment["HOME"]) / ".vault-token", faults)
    if not found:
        faults.append("VAULT_TOKEN is missing, and there is no ~/.vault-token")
    elif unprintable(found):
        faults.append(f"VAULT_TOKEN {UNPRINTABLE}")
    return Secret(found)


def _left_by_login(file: Path, faults: list[str]) -> str:
    try:
        found = file.read_text(encoding="utf-8").strip()
        settings.warn_if_shared(file, "~/.vault-token")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError):
        faults.append("~/.vault-token cannot be read")
        return ""
    return found


def _certificate(environment: Mapping[str, str], faults: list[str]) -> tuple[str, str] | None:
    pair = variable(environment, "CLIENT_CERT"), variable(environment, "CLIENT_KEY")
    if not any(pair):
        return None
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(*pair)
    except (OSError, ValueError):  # its text may name more than the files
        faults.append("VAULT_CLIENT_CERT and VAULT_CLIENT_KEY must name the files of a certificate and its key")
    return pair


def _authorities(environment: Mapping[str, str], faults: list[str]) -> str | None:
    """Return the certificates of the file, and those of every file in and below the folder."""
    found: list[str] = []
    for name, what in (("CACERT", "a file"), ("CAPATH", "a folder with files")):
        path = Path(variable(environment, name))
        if path == Path():
            continue
        try:
            files = [path] if name == "CACERT" else sorted(each for each in path.rglob("*") if each.is_file())
            texts = [each.read_text(encoding="utf-8") for each in files]
            for text in texts:
                _context(text)
        except (OSError, ValueError):
            texts = []
        found += texts
        faults.extend([] if texts else [f"VAULT_{name} must name {what} of certificates in PEM"])
    return "\n".join(found) or None
