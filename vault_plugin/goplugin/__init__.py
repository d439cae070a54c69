"""The plug-in protocol of HashiCorp's go-plugin, for any kind of plug-in: handshake, mutual TLS, services, server.

A plug-in's life: the host starts the process with a cookie and a certificate in its environment (``handshake``); the
process makes a key pair (``tls``), listens on a socket (``listener``), writes one line to standard output, and serves
(``services``, ``server``) until the host calls Shutdown or is gone.
"""
