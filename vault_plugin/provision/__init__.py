"""Install the database plug-in on a server: ``lockstep vault plugin``.

``build`` packs the plug-in into a file, ``declaration`` reads the desired state, ``install`` brings the server to it,
``status`` compares the stored passwords with the vendors, ``rotate`` rotates a role on demand, and ``server`` has the
calls to Vault or OpenBao.
"""
