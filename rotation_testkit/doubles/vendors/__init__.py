"""Vendor simulators: real local HTTP, real signatures, real state. Written from the vendors' documents alone."""
