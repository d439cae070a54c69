"""The leak canary listens in every test; what costs most to set up runs first; the collector spares old objects."""

import gc
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rotation_testkit.databases import mariadb
from rotation_testkit.doubles.proxy import VARIABLES, EavesdroppingProxy
from rotation_testkit.processes import ntlm_server
from rotation_testkit.processes.openssh import OpenSsh

pytest_plugins = [
    "rotation_testkit.canary.plugin",
    "rotation_testkit.databases.fixtures",
    "rotation_testkit.doubles.vault.fixtures",
]
_OPENSSH = Path(__file__).parents[1] / ".venv/openssh"
_NTLM = Path(__file__).parents[1] / ".venv/ntlm"
_VAULTS = frozenset({"openbao", "raft_server", "three_nodes"})
_SDKS = Path(__file__).parent / "testkit/doubles/vendors"
_DATABASES = frozenset({"database", "mariadb_server", "maria", "postgresql_server", "postgres"})


def _not_here() -> dict[str, tuple[str, str]]:
    """Return which servers cannot be had here, by marker, and why."""
    servers = {
        "openssh": ("a real OpenSSH with PAM", OpenSsh.missing(_OPENSSH)),
        "mariadb": ("a real MariaDB", mariadb.missing(mariadb.PACKAGES)),
        "ntlm": ("a real NTLM server", ntlm_server.missing(_NTLM)),
    }
    return {marker: (server, reason) for marker, (server, reason) in servers.items() if reason}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run tests with a real server or a vendor's SDK first, since idle workers steal from the end.

    Each worker would start its own server, and import hundreds of modules once more.

    Where a real server cannot be had, leave its tests out; the summary says so.
    """
    for marker in _not_here():
        without = [item for item in items if item.get_closest_marker(marker)]
        items[:] = [item for item in items if not item.get_closest_marker(marker)]
        config.hook.pytest_deselected(items=without)
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    names = getattr(item, "fixturenames", ())
    if not _VAULTS.isdisjoint(names):
        return 0
    return 1 if _SDKS in item.path.parents or not _DATABASES.isdisjoint(names) else 2


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what did not run on this machine."""
    for marker, (server, reason) in _not_here().items():
        terminalreporter.write_line(f"Not run: the tests marked `{marker}`, against {server}: {reason}")


def pytest_collection_finish() -> None:
    """Thousands of collected tests are no garbage: looking through them again and again cost a sixth of the suite."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[EavesdroppingProxy]:
    """Yield a proxy that every proxy variable of this process names."""
    with EavesdroppingProxy() as listening:
        for name in VARIABLES:
            monkeypatch.setenv(name, listening.url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield listening


@pytest.fixture
def unmeasured() -> dict[str, str]:
    """Return the environment of a child that coverage does not measure: it brings modules, and slows our code alone."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}


class ParameterStore:
    """Moto's Parameter Store, as served: the requests that it got, and an error that it answers instead."""

    ACCOUNT, REGION = "123456789012", "eu-central-1"

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.error: str | None = None

    def put(self, name: str, value: str, kind: str = "String") -> None:
        """Write a parameter."""
        from moto.ssm.models import ssm_backends

        own = {"name": name, "description": "", "value": value, "parameter_type": kind, "overwrite": True, "tags": []}
        rest = {"allowed_pattern": "", "keyid": "", "data_type": "text", "tier": "Standard", "policies": None}
        ssm_backends[self.ACCOUNT][self.REGION].put_parameter(**own, **rest)

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """Answer one request."""
        from moto.core.request import Request
        from moto.ssm.responses import SimpleSystemManagerResponse
        from werkzeug import Response

        class ServerRequest(Request):
            """A request as moto's own server marks it."""

            from_wsgi_server = True

        request = ServerRequest(environ)
        self.asked.append((request.headers["X-Amz-Target"].partition(".")[2], json.loads(request.data)["Name"]))
        if self.error is not None:
            body = json.dumps({"__type": self.error, "message": "canary"})
            return Response(body, status=400)(environ, start_response)
        status, headers, body = SimpleSystemManagerResponse.dispatch(request, request.url, request.headers)
        return Response(body, status=status, headers=headers)(environ, start_response)


@pytest.fixture
def parameter_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[ParameterStore]:
    """Serve an empty Parameter Store to the clients that are made here."""
    from moto.ssm.models import ssm_backends

    from rotation.deployment import sources
    from rotation_testkit.doubles.serving import serve

    made = ParameterStore()
    with serve(made) as url:
        keys = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_REGION": made.REGION}
        for name, value in {"AWS_ENDPOINT_URL_SSM": url, "AWS_MAX_ATTEMPTS": "1", **keys}.items():
            monkeypatch.setenv(name, value)
        sources.forget()
        yield made
    sources.forget()
    ssm_backends[made.ACCOUNT][made.REGION].reset()


@pytest.fixture(scope="session")
def openssh_packages() -> Path:
    """Return the folder with OpenSSH's server, for tests marked ``openssh``."""
    return _OPENSSH
