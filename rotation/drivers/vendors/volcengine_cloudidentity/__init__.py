"""Volcengine Cloud Identity: directory users whose password an administrator resets."""
