"""The wire format: generated from the .proto files by ``vault_plugin/generate.sh``."""
