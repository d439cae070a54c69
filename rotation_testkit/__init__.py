"""The shipped test kit: simulators, strict doubles, fault injection and conformance suites."""
