"""Login checks that several drivers share."""
