"""Which faults are injected, and where."""
