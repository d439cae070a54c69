"""UHost with one server, its host, and the rotation function of the server."""

import pytest

from rotation.core.secret import Secret
from rotation_testkit.doubles.hosts.ssh import SshHost
from rotation_testkit.doubles.vendors.ucloud_uhost.simulator import Delays, UCloudUHost


@pytest.fixture
def cloud(clock):
    """UHost, where it takes seconds to switch a server off or on."""
    made = UCloudUHost(clock=clock.now, delays=Delays(stop=4, start=5))
    made.add_server("uhost-1", password=Secret("Old-pass-1234"))
    return made


@pytest.fixture
def ssh(cloud):
    """The host that takes the server's logins while it runs."""
    with SshHost(cloud.guest_login("uhost-1"), up=lambda: cloud.running("uhost-1")) as host:
        yield host


@pytest.fixture
def serve(install, cloud):
    """The function that starts the server's rotation function, given the login in its secret."""

    def make(retries=2, **login):
        place = {"region": "cn-bj2", "zone": "cn-bj2-04", "uhost_id": "uhost-1"}
        document = {"driver": "ucloud_uhost", "password": "Old-pass-1234", **place, **login}
        key = cloud.credentials
        admin = {"public_key": key.public_key, "private_key": key.private_key.reveal()}
        return install(cloud, document, admin, lambda: cloud.guest_password("uhost-1"), retries=retries)

    return make


@pytest.fixture
def server(serve, ssh):
    """The rotation function of a Linux server."""
    return serve(username="root", host_key=ssh.host_key, ssh_port=ssh.port)
