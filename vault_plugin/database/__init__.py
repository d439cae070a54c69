"""Vault's and OpenBao's database plugin over Lockstep's drivers."""

NAME = "lockstep"
"""What the plug-in calls itself, and the root of its loggers."""

VERSION = "v0.1.0"
"""What the plug-in says its version is; the catalog keeps one file for each."""
