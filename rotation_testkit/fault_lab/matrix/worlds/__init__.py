"""The worlds that faults are injected into: a driver class, a store and an algorithm."""
