"""One deadline ends a whole HTTP exchange, whatever the peer does."""

import time

import pytest

from rotation.core.errors import OutcomeUnknown, VendorUnavailable

TRICKLES = {
    "status": b"",
    "headers": b"HTTP/1.1 200 OK\r\n",
    "header": b"HTTP/1.1 200 OK\r\nX-Long: ",
    "body": b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
    "body without length": b"HTTP/1.1 200 OK\r\n\r\n",
    "chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nf000\r\n",
}


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("start", TRICKLES.values(), ids=TRICKLES.keys())
def test_a_peer_that_trickles_is_cut_off_in_time(send, peer, certificate, start, tls):
    """Each byte would restart a plain read time-out, but the whole call has one deadline."""

    def trickle(connection):
        connection.sendall(start)
        while not vendor.stop.wait(0.05):
            connection.sendall(b"a")

    context, authority = certificate
    vendor = peer(trickle, context if tls else None)
    cut_off(send, vendor.port, **({"scheme": "https", "ca_file": authority} if tls else {}))


def cut_off(send, port, **options):
    """Have a sent request cut off; a busy machine may need more time until one is sent at all."""
    for seconds in (0.5, 2.0, 8.0):
        began = time.monotonic()
        with pytest.raises((OutcomeUnknown, VendorUnavailable)) as caught:
            send(port, changes=True, call_seconds=seconds, **options)
        assert time.monotonic() - began < seconds + 10
        if caught.type is OutcomeUnknown:
            return
        assert caught.value.unsent
    pytest.fail("no request was sent in 8 s")


def test_a_silent_peer_is_given_up_in_time(send, peer):
    """A peer that takes the request and does not answer is left at the deadline."""
    vendor = peer(lambda _: vendor.stop.wait(60))
    cut_off(send, vendor.port)


def test_a_handshake_without_end_proves_that_nothing_was_sent(send, peer, certificate):
    """The request is sent after the handshake; a request that is lost later may have arrived."""
    plain = peer(b"")  # it waits for the end of a request, of which the greeting of TLS has none, and says nothing
    with pytest.raises(VendorUnavailable, match="nothing was sent") as caught:
        send(plain.port, scheme="https", changes=True, call_seconds=0.5)
    assert caught.value.unsent
    context, authority = certificate
    lost = peer(b"", context)
    with pytest.raises(OutcomeUnknown) as after:
        send(lost.port, scheme="https", changes=True, ca_file=authority)
    assert not after.value.unsent
