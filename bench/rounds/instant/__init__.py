"""Added to the drivers of the measured plug-in."""
