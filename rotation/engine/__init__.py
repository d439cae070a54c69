"""The engine between a vendor and a secret store: it runs the four steps of a rotation."""
