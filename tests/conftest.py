"""The leak canary listens in every test."""

pytest_plugins = ["rotation.testing.canary"]
