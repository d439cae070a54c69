"""Acme Directory: users whose password an administrator resets. The vendor is invented."""
