"""Whether a port is ours to listen on, and nobody else's of ours meanwhile."""

import argparse
import socket
import sys
import time


class PortTakenError(Exception):
    """The address can't be listened on; the message says which and why."""


class PortClaim:
    """One process's claim to serve an address, until it ends however it ends.

    granian listens with SO_REUSEPORT: two servers that start at the same moment both find the port free, and would then
    share its requests in silence. Their claims can't both hold. A claim is a name, not a socket on the port, which granian
    needs itself; the kernel drops it with the process, and keeps it apart where ports are apart (a container's network).
    Only Linux has such names; elsewhere a claim is the look alone.
    """

    def __init__(self, host: str, port: int, *, of_parent: bool = False) -> None:
        """`of_parent`: the process that started us holds it for us, so that it outlives us; then we only look."""
        self._shown = f"{host}:{port}"
        self._host, self._port = host, port
        self._named = sys.platform == "linux" and not of_parent
        self._name: socket.socket | None = None

    def take(self, patience: float = 0.0) -> None:
        """Claim the address when nobody listens there, trying for `patience` seconds.

        Raises PortTakenError.
        """
        until = time.monotonic() + patience
        while trouble := self._trouble():
            if time.monotonic() >= until:
                self.drop()
                raise PortTakenError(f"{self._shown} can't be listened on: {trouble}")
            time.sleep(0.2)

    def drop(self) -> None:
        """Let others have it."""
        if self._name is not None:
            self._name.close()
            self._name = None

    def _trouble(self) -> str:
        try:
            family, kind, *_rest, address = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)[0]
            if self._named and self._name is None:
                self._name = _own_name(f"\0learntrace {address!r}")
            with socket.socket(family, kind) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
        except OSError as error:
            return error.strerror or str(error)
        return ""


def _own_name(name: str) -> socket.socket:
    held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        held.bind(name)
    except OSError:
        held.close()
        raise
    return held


def cannot_listen(host: str, port: int) -> str:
    """Why the address can't be listened on now; empty if it can."""
    claim = PortClaim(host, port)
    try:
        claim.take()
    except PortTakenError as error:
        return str(error)
    finally:
        claim.drop()
    return ""


def port_number(text: str) -> int:
    """A port as it is given on a command line.

    Raises ArgumentTypeError.
    """
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else 0
    if not 0 < number < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: expected a number from 1 to 65535")
    return number
