"""The driver of the measured plug-in."""
