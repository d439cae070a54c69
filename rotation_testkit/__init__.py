"""Lockstep's test kit: what tests of a driver, of a store and of Lockstep itself share.

* ``api``: everything that the author of a driver imports.
* ``conformance``: the promises of every driver and every store, as test classes to inherit.
* ``doubles``: strict, stateful servers in place of vendors, hosts, Secrets Manager and Vault.
* ``sandbox``: vendors, hosts and a secret store that run together on this machine.
* ``processes``: the product in processes of its own, some of which are killed on purpose.
* ``fault_lab``: fault injection, in memory and in virtual time.
* ``canary``: a pytest plug-in that fails a test in which a secret appears anywhere.
* ``commands``: the commands of ``lockstep`` that need the kit.

The kit comes with the extra ``testing``. The product never imports it.
"""
