"""The leak canary listens in every test, and the garbage collector leaves alone what lives as long as the session."""

import gc

pytest_plugins = ["rotation.testing.canary"]


def pytest_collection_finish() -> None:
    """Thousands of collected tests are no garbage: looking through them again and again cost a sixth of the suite."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
