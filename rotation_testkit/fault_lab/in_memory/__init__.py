"""A vendor, its driver, a secret and a clock in memory, and scenarios of them for single tests."""
