"""The bench of the KV job rotates every secret; its figures are measured by ``make bench`` alone."""

import rotation.drivers.vendors
from bench import kv_fleet


def test_the_run_rotates_every_secret_over_a_real_openbao(monkeypatch):
    """With a few secrets in place of 500; a run that leaves one out would raise."""
    monkeypatch.setattr(rotation.drivers.vendors, "__path__", [*rotation.drivers.vendors.__path__])
    monkeypatch.setattr(kv_fleet, "SECRETS", 4)
    assert [each.key for each in kv_fleet.measure()] == ["fleet/seconds", "fleet/ratio", "fleet/trips"]
