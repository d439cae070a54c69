"""The AWS JSON protocol of Secrets Manager: wire format, signatures, validation, errors."""
