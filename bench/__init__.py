"""Measurements: ``python -m bench`` prints them as one table; ``bench.soak`` needs minutes and runs by itself."""
