"""The rotation job over a KV version 2 engine.

``settings`` and ``login`` reach the server; ``schedule`` says which secrets are due; ``due_secrets`` rotates them at
the ``pace`` of each vendor account; ``kv_rotation`` rotates one secret; ``inspection`` looks at one without rotating
it; ``mirroring`` keeps its copy in AWS Secrets Manager.
"""
