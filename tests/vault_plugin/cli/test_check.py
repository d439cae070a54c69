"""``lockstep vault doctor``, ``verify`` and ``rotate --dry-run``: a secret in KV looked at and put right."""

import hvac
import pytest

from rotation.core.errors import StoreDenied
from rotation.state.stages import PENDING
from rotation.stores.vault_kv import HvacKv
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.sandbox.sandbox import HUAWEI
from vault_plugin.job.preconditions import require_write


def test_a_stuck_rotation_on_the_server_is_found_shown_and_put_right(cli, rotate):
    """The doctor exits 0 for a healthy secret, 3 with a plan and 0 after the repair; verify exits 1 for drift."""
    with cli(holding=(HUAWEI,)) as (started, run):
        path = started.path(HUAWEI)
        code, (report,) = run("doctor", path, "--json")
        assert (code, report["path"], report["condition"], report["live"]) == (0, path, "healthy", "kv-1")
        started.world.huawei.faults.add("PUT /v1/usg/acs/password", FaultKind.DROP_AFTER)
        lost = rotate(started, HUAWEI)
        assert not started.heals(HUAWEI)

        code, (report,) = run("verify", path, "--json")
        assert (code, report["outcome"], report["path"]) == (4, "drifted", path)
        code, (report,) = run("doctor", path, "--json")
        assert (code, report["plan"]) == (4, [{"do": "promote", "version": lost.token}])
        assert not started.heals(HUAWEI)
        code, out = run("doctor", path, "--repair")
        assert (code, started.heals(HUAWEI)) == (0, True)
        assert f"done: promote {lost.token}" in out

        code, (report,) = run("verify", path, "--json")
        assert (code, report["outcome"], report["evidence"]) == (0, "current_verified", "LOGIN")
        assert (started.world.changes(HUAWEI), started.world.wrong_logins(HUAWEI)) == (1, 1)
        assert PENDING not in set().union(*(each.labels for each in started.store(HUAWEI).describe().versions.values()))


def test_looking_at_a_stuck_rotation_again_and_again_does_not_block_its_cure(cli, rotate):
    """What a login found is written in the journal, so that verify asks once and the rotation has tries left."""
    with cli(holding=(HUAWEI,)) as (started, run):
        path = started.path(HUAWEI)
        started.world.huawei.faults.add("PUT /v1/usg/acs/password", FaultKind.DROP_AFTER)
        rotate(started, HUAWEI)
        for _ in range(3):
            assert run("verify", path, "--json")[0] == 4
            assert run("doctor", path, "--json")[0] == 4
        assert started.world.wrong_logins(HUAWEI) == 1
        code, (report,) = run("rotate", path, "--json")
        assert (code, report["outcome"], started.heals(HUAWEI)) == (0, "promoted", True)
        assert started.world.changes(HUAWEI) == 1


def test_a_dry_run_on_the_server_names_what_stops_a_rotation(cli, openbao):
    """A dry run writes nothing, not even to find out whether it may write; without the right to write it says so."""
    with cli(holding=(HUAWEI,)) as (started, run):
        path = started.path(HUAWEI)
        code, checks = run("rotate", path, "--dry-run", "--json")
        report = {check["name"]: check["status"] for check in checks[:-1]}
        assert (code, report["store_write"], report["current_password"]) == (0, "ready", "ready")
        assert (started.kv.read(path).version, started.world.changes(HUAWEI)) == (1, 0)

        operator = openbao.client()
        rules = f'path "secret/data/{started.folder}/*" {{ capabilities = ["read"] }}'
        operator.sys.create_or_update_policy(f"reader-{started.folder}", rules)
        token = operator.auth.token.create(policies=[f"reader-{started.folder}"])["auth"]["client_token"]
        with pytest.raises(StoreDenied):
            require_write(HvacKv(hvac.Client(url=openbao.address, token=token), "secret"), path)
        assert started.kv.read(path).version == 1
