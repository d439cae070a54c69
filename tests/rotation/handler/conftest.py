"""The served function for the tests of the handler; the canary listens to every test."""

import dataclasses
import importlib
import logging
import sys

import pytest

from rotation_testkit.sandbox.served_function import served_function


@pytest.fixture
def retries():
    """Return a number of retries that outlasts the vendors' windows."""
    return 4


@pytest.fixture
def rig(canary, retries):
    """Yield the function of a fresh sandbox."""
    _log_to_stdout()
    with served_function(retries) as made:
        made.canary = canary
        canary.drain()
        canary.seen.clear()
        made.guard()
        yield made
        made.finish()
    _log_to_stdout()


@pytest.fixture(scope="module")
def _idle():
    with served_function(0) as made:
        yield made


@pytest.fixture
def idle(_idle, canary):
    """Yield one sandbox for all events that must reach nobody."""
    _log_to_stdout()
    _idle.canary, _idle.environment, _idle.errors = canary, dict(_idle.world.environment()), []
    _idle.guard()
    yield _idle
    _idle.finish()
    _log_to_stdout()


def _log_to_stdout():
    """Point the handler that Powertools makes once per process to the process's own output."""
    for each in logging.getLogger("lockstep").handlers:
        if isinstance(each, logging.StreamHandler):
            each.stream = sys.__stdout__  # setStream would flush the former one, which may be closed


@pytest.fixture
def impatient(monkeypatch):
    """Return a function that makes a driver give up on an answer after two seconds."""

    def shorten(code):
        module = importlib.import_module(f"rotation.drivers.vendors.{code}.driver")
        monkeypatch.setattr(module, "DRIVER", dataclasses.replace(module.DRIVER, call_seconds=2))

    return shorten
