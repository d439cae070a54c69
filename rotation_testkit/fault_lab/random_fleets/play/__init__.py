"""The parts of a random fleet: secrets, vendors, runs and outside events."""
