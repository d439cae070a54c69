"""The plugin protocol of HashiCorp's go-plugin: handshake, mutual TLS, server. Nothing here knows of databases."""
