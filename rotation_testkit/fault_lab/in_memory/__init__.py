"""A vendor, a driver and scenarios that live in memory."""
