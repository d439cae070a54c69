"""Local vendors, hosts and stores that run together for demonstrations and tests."""
