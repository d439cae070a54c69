"""``lockstep driver new`` from the command line."""

import pytest


def test_a_package_is_written_and_its_files_are_listed(lockstep, tmp_path):
    """The command names each file that it wrote, in words and as JSON."""
    ran = lockstep("driver", "new", "acme_mail", "--package", str(tmp_path / "a"))
    (made,) = lockstep("driver", "new", "acme_mail", "--package", str(tmp_path / "b"), "--json").objects
    assert ran.code == 0
    assert made["code"] == "acme_mail"
    assert sorted(made["files"]) == sorted(str(path) for path in (tmp_path / "b").rglob("*.*") if path.is_file())
    assert str(tmp_path / "a/src/acme_mail/driver.py") in ran.out.replace("\n", "")


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (("huawei_meeting",), 2, "usage_error"),
        (("Acme-Mail",), 2, "usage_error"),
        (("acme_mail", "--family", "../x"), 2, "usage_error"),
        (("acme_mail",), 4, "config_error"),
    ],
)
def test_what_cannot_be_begun_is_refused(lockstep, tmp_path, monkeypatch, arguments, code, error):  # noqa: PLR0913, PLR0917 - fixtures and a row
    """A known or malformed code, or a folder that is no checkout: the error has a hint, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    ran = lockstep("driver", "new", *arguments, "--json")
    (said,) = ran.objects
    assert (ran.code, said["code"]) == (code, error)
    assert said["hint"]
    assert list(tmp_path.iterdir()) == []
