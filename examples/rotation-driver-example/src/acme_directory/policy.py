"""Acme Directory's password rule."""

from __future__ import annotations

from rotation.drivers import AtLeast, Charset, PasswordPolicy, Source

POLICY = PasswordPolicy(
    name="acme_directory/user",
    length=24,
    min_length=12,
    max_length=64,
    charsets=(
        Charset("lower", "abcdefghijklmnopqrstuvwxyz"),
        Charset("upper", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        Charset("digit", "0123456789"),
        Charset("special", '!#$%&*+-/:=?@_~"\\'),
    ),
    classes=(AtLeast(3),),
    sources=(Source("Invented for this example", "2026-11-22", ("length", "charsets", "classes")),),
)
