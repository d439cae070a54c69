"""Measurements that need minutes or a quiet machine."""
