"""Suites that every driver and every store must pass."""
