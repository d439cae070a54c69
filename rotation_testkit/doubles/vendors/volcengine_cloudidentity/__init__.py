"""A simulator of Volcengine Cloud Identity."""
