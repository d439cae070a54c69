"""Lockstep for HashiCorp Vault and OpenBao.

``job`` rotates secrets of a KV version 2 engine, ``mirror`` keeps a copy in a second store, ``functions`` run the job
in AWS Lambda. ``database`` is the plug-in for Vault's database engine, ``goplugin`` its protocol, ``provision``
installs it. ``cli`` is ``lockstep vault``.
"""
