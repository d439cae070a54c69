"""AutoMTLS: a key pair that lives as long as the process, and a TLS context that accepts one client."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFE = timedelta(days=3650)
"""A plug-in runs until the host ends it, and go-plugin never renews a certificate."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The server's side of the mutual TLS: settings that refuse all clients but the host; the certificate is DER."""

    context: ssl.SSLContext
    certificate: bytes

    @classmethod
    def create(cls, client_certificate: str) -> Identity:
        """Make a new key pair, and accept no client but the one with this self-signed certificate (PEM)."""
        key = ec.generate_private_key(ec.SECP521R1())
        certificate = _certificate(key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=client_certificate)
        context.set_alpn_protocols(["h2"])
        _load(context, key, certificate)
        return cls(context, certificate.public_bytes(serialization.Encoding.DER))


def _certificate(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    # Go checks it as its own root (CA:TRUE) and for the name localhost.
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    unused = ("content_commitment", "crl_sign", "decipher_only", "encipher_only", "key_agreement")
    without = dict.fromkeys((*unused, "data_encipherment", "key_encipherment"), False)
    usage = x509.KeyUsage(digital_signature=True, key_cert_sign=True, **without)
    purposes = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + _LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA512())
    )


def _load(context: ssl.SSLContext, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
    """Load key and certificate from a file in memory: OpenSSL takes only paths, and the key must not touch a disk."""
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + certificate.public_bytes(serialization.Encoding.PEM)
    memory = os.memfd_create("lockstep", os.MFD_CLOEXEC)
    try:
        os.write(memory, pem)
        context.load_cert_chain(f"/proc/self/fd/{memory}")
    finally:
        os.close(memory)
