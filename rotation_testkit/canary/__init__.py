"""The leak canary: it listens for secrets in everything that a test writes."""
