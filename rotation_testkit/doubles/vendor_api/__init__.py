"""What a simulated vendor needs: an HTTP endpoint, its clock, injected faults, and resets that take time."""
