"""The pages for readers: links lead somewhere, README is short, and the library page's examples run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from rotation import PasswordPolicy, SecretDocument, Step
from rotation.core.clock import SystemClock
from rotation.state.marks import Kind
from rotation.stores.memory import MemorySecret, MemoryStore
from rotation_testkit.sandbox.sandbox import HUAWEI, open_sandbox

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
PATH = re.compile(r"`((?:rotation|rotation_testkit|vault_plugin|tests|docs|events|examples)/[^`<>…:]*)`")
LINK = re.compile(r"\]\((?!https?://)(?P<path>[^)#\s]*)#?(?P<anchor>[^)\s]*)\)")


def _anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_resolves(page: Path) -> None:
    """A link leads to a file or folder of the tree, and its anchor to a heading there."""
    broken = []
    for link in LINK.finditer(page.read_text()):
        target = page if not link["path"] else (page.parent / link["path"]).resolve()
        if not target.exists() or (link["anchor"] and link["anchor"] not in _anchors(target)):
            broken.append(link[0])
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    """A page names files and folders of the tree by paths that exist."""
    roots = (ROOT, page.parent)
    missing = [name for name in PATH.findall(page.read_text()) if not any(any(root.glob(name)) for root in roots)]
    assert missing == []


def _rows_with_tests(page: str) -> list[tuple[str, str]]:
    """Return the rows of a page's tables whose last column is ``test``, each as its text and its last cell."""
    rows, inside = [], False
    for line in (ROOT / page).read_text().splitlines():
        if not line.startswith("| ") or line.endswith("| test |"):
            inside = line.endswith("| test |")
        elif inside and not line.startswith("| ---"):
            rows.append((line, line.rstrip("| ").rpartition(" | ")[2] if not line.endswith("| |") else ""))
    return rows


@pytest.mark.parametrize(("page", "rows"), [("SECURITY.md", 9), ("docs/threat-model.md", 45)])
def test_each_threat_names_a_test_that_exists(page: str, rows: int) -> None:
    """A row names the tests that play the attack; without one it says that the attack is open or possible."""
    found = _rows_with_tests(page)
    assert len(found) >= rows
    for row, cell in found:
        named = re.findall(r"`([\w/]+\.py)::(\w+)`", cell)
        assert named or (page != "SECURITY.md" and ("**open**" in row or "| possible:" in row)), row
        assert cell == ", ".join(f"`{path}::{test}`" for path, test in named), row
        for path, test in named:
            assert re.search(rf"^ *(?:async )?def {test}\(", (ROOT / path).read_text(), re.MULTILINE), f"{path}::{test}"


def test_each_label_is_explained_to_people_on_call() -> None:
    """A label that the console shows has its row on the page."""
    page = (ROOT / "docs/on-call.md").read_text()
    assert [kind for kind in [*Kind, "lease"] if f"| `lockstep:{kind}:" not in page] == []


_RIDDLES = re.compile(r"\b(whoever|whom|told|lest|anew)\b", re.IGNORECASE)
"""Words that make a reader stop; each has a plain one in its place."""


def test_pages_and_docstrings_use_plain_words() -> None:
    """No page, module, template or test of the tree has one of the words that stop a reader."""
    places = (ROOT / name for name in ("rotation", "rotation_testkit", "vault_plugin", "tests", "docs", "examples"))
    files = [*ROOT.glob("*.md"), *ROOT.glob("*.yaml"), *(each for place in places for each in place.rglob("*.*"))]
    texts = [each for each in files if each.suffix in {".py", ".md", ".yaml", ".toml"} and each != Path(__file__)]
    found = [f"{each.relative_to(ROOT)}: {word}" for each in texts for word in _RIDDLES.findall(each.read_text())]
    assert len(texts) > 900
    assert found == []


def test_readme_has_at_most_120_lines() -> None:
    """README says what Lockstep is, how to begin and what to do on call; everything else stands in ``docs``."""
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120


def test_every_page_is_reached_from_readme() -> None:
    """Each page in ``docs``, or its folder, has a link from README or from a page that README links to."""
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        targets = {(page.parent / link["path"]).resolve() for link in LINK.finditer(page.read_text()) if link["path"]}
        targets |= {each for folder in targets if folder.is_dir() for each in folder.glob("*.md")}
        waiting += [target for target in targets - reached if target.suffix == ".md" and target not in waiting]
    assert set((ROOT / "docs").rglob("*.md")) <= reached


INSTALLS = re.compile(
    r"\bpip install\b.*|\b(?:pipx|uvx|npm|brew|conda|docker pull|apt(?:-get)? install)\b.*|\bcurl\b.*\|.*"
)
PINNED = re.compile(r"--require-hashes -r \S|--no-deps --no-index \S|--no-deps --no-build-isolation -e \.$")
IMAGE = re.compile(r"\bimage\b\s*[:=]\s*\"?(?P<image>[\w./:@-]+)")


def _unpinned(text: str) -> list[str]:
    """Return what a text installs without a hash, and images that it does not name by a digest."""
    installs = [found[0] for found in INSTALLS.finditer(text) if not PINNED.search(found[0].rstrip("` \\"))]
    return installs + [found["image"] for found in IMAGE.finditer(text) if "@sha256:" not in found["image"]]


def test_everything_that_a_user_is_asked_to_install_is_pinned_and_hashed() -> None:
    """No page, example or error hint installs a package of an index without hashes, or Lockstep from an index."""
    examples = [
        path for path in (ROOT / "examples").rglob("*") if path.suffix in {".yaml", ".hcl", ".toml", ".service"}
    ]
    modules = [
        path for package in ("rotation", "vault_plugin", "rotation_testkit") for path in (ROOT / package).rglob("*.py")
    ]
    texts = [*PAGES, *examples, ROOT / "examples/vault/Dockerfile", *modules]
    found = {str(path.relative_to(ROOT)): _unpinned(path.read_text()) for path in texts}
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "line",
    [
        "pip install '.[cli,ssh]'",
        "pip install lockstep-rotation",
        "/opt/x/bin/python -m pip install --no-deps lockstep-rotation",
        "pip install -r requirements/install.txt",
        "pipx run lockstep",
        "curl https://example.com/install | sh",
        "image: registry.example/lockstep:0.1.0",
    ],
)
def test_an_installation_without_hashes_is_found(line: str) -> None:
    """The test above finds each form of an installation that nobody has checked."""
    assert _unpinned(f"First:\n    {line}\n") != []


@pytest.fixture
def example() -> dict[str, Any]:
    """The names that the examples of ``docs/library.md`` define, run one after the other."""
    names: dict[str, Any] = {}
    for block in re.findall(r"^```python\n(.*?)^```", (ROOT / "docs/library.md").read_text(), re.MULTILINE | re.DOTALL):
        exec(block, names)  # noqa: S102 - our own page
    return names


def test_the_library_example_rotates_an_account(example: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """The document that ``rotate`` returns holds the password that the vendor accepts now."""
    with open_sandbox(holding=(HUAWEI,)) as started:
        document = SecretDocument(started.vendor_accounts[HUAWEI].document)
        rotated = example["rotate"](document, started.environment(), None)
        assert rotated.password == started.live(HUAWEI) != document.password
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(Step)


def test_the_library_example_draws_a_password(example: dict[str, Any]) -> None:
    """The policy of the page is a ``PasswordPolicy``, and its password has the length that it says."""
    assert isinstance(example["policy"], PasswordPolicy)
    assert len(example["password"].reveal()) == 20


def test_the_library_example_heals_a_secret(example: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """A secret whose stored password works is healthy."""
    from rotation import Deployment
    from rotation.deployment.binder import Binder

    clock = SystemClock()
    with open_sandbox(holding=(HUAWEI,)) as started:
        secret = MemorySecret(now=clock.now)
        secret.put("first", SecretDocument(started.vendor_accounts[HUAWEI].document), "AWSCURRENT")
        deployment = Deployment.from_environment(started.environment())
        binder = Binder(deployment=deployment, fetch=SecretDocument.parse, clock=clock, time_left=lambda: 60.0)
        assert example["heal"](example["session_of"](MemoryStore(secret), "", binder)) is True
    assert "live" in capsys.readouterr().out


def test_the_example_policy_denies_values_and_labels_to_all_others() -> None:
    """The resource policy in ``docs/aws.md`` is JSON, and leaves values and labels to two roles."""
    page = (ROOT / "docs/aws.md").read_text()
    found = re.search(r"<!-- policy: rotated secret -->\n```json\n(.*?)```", page, re.DOTALL)
    assert found is not None
    (statement,) = json.loads(found[1])["Statement"]
    assert set(statement) == {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
    assert (statement["Effect"], statement["Principal"], statement["Resource"]) == ("Deny", "*", "*")
    operations = {action.removeprefix("secretsmanager:") for action in statement["Action"]}
    known = set(botocore.session.get_session().get_service_model("secretsmanager").operation_names)
    assert {"PutSecretValue", "UpdateSecretVersionStage"} <= operations <= known
    ((operator, wanted),) = statement["Condition"].items()
    assert (operator, list(wanted)) == ("ArnNotEquals", ["aws:PrincipalArn"])
    assert all(re.fullmatch(r"arn:aws:iam::[0-9]{12}:role/[\w+=,.@/-]+", arn) for arn in wanted["aws:PrincipalArn"])
