"""Lockstep: rotates passwords behind vendor reset APIs and keeps the secret store in lockstep."""
