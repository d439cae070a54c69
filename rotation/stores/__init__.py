"""One module per secret store. A store knows no vendor."""
