"""The vendor side: what a driver is, its guard, its network, and one folder per product."""
