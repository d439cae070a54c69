"""Random schedules of events, generated from a seed and kept as text."""
