"""CompShare, its hosts, and the rotation function of an instance."""

import pytest

from rotation.core.secret import Secret
from rotation_testkit.doubles.hosts.ssh import SshHost
from rotation_testkit.doubles.vendors.ucloud_compshare.simulator import Delays, SshAddress, UCloudCompShare


@pytest.fixture
def cloud(clock):
    """CompShare, where it takes seconds to switch a machine off or on."""
    return UCloudCompShare(clock=clock.now, delays=Delays(stop=4, start=5))


@pytest.fixture
def ssh(cloud):
    """The host that takes the instance's logins while the instance runs."""
    with SshHost(cloud.guest_login("uhost-1"), up=lambda: cloud.running("uhost-1")) as host:
        yield host


@pytest.fixture
def serve(install, cloud):
    """The function that starts a rotation function for the instance, given the login in its secret."""

    def make(retries=2, **login):
        place = {"region": "cn-wlcb", "zone": "cn-wlcb-01", "uhost_id": "uhost-1"}
        document = {"driver": "ucloud_compshare", "password": "Old-pass-1234", **place, **login}
        key = cloud.credentials
        admin = {"public_key": key.public_key, "private_key": key.private_key.reveal()}
        return install(cloud, document, admin, lambda: cloud.guest_password("uhost-1"), retries=retries)

    return make


@pytest.fixture
def rent(serve, cloud, ssh):
    """The function that adds an instance of some kind and starts its rotation function."""

    def make(kind="UHost", *, retries=2, pinned=True, **facts):
        address = SshAddress("root", ssh.host, ssh.port)
        cloud.add_instance("uhost-1", password=Secret("Old-pass-1234"), instance_type=kind, ssh=address, **facts)
        return serve(retries, username="root", **({"host_key": ssh.host_key} if pinned else {}))

    return make
