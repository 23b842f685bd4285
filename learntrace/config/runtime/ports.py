"""Ports: whether one is free, and a claim that keeps a second server of ours off it."""

import argparse
import socket
import sys
import time


class PortTakenError(Exception):
    """The server can't listen on the address; the message says which address and why."""


class PortClaim:
    """A process's claim to serve an address; it lasts until the process ends, however it ends.

    granian listens with SO_REUSEPORT: two servers that start at the same moment both find the port free and would then
    share its requests silently. Only one of their claims succeeds. A claim is an abstract socket name, not a socket on the
    port, which granian needs; the kernel releases it with the process and separates it by network namespace, as it does
    ports. Only Linux has such names; elsewhere a claim only checks the port.
    """

    def __init__(self, host: str, port: int, *, of_parent: bool = False) -> None:
        """`of_parent`: the parent process holds the claim, so that it outlives this one, which then only checks the port."""
        self._shown = f"{host}:{port}"
        self._host, self._port = host, port
        self._named = sys.platform == "linux" and not of_parent
        self._name: socket.socket | None = None

    def take(self, patience: float = 0.0) -> None:
        """Claim the address if no process listens there, trying for `patience` seconds.

        Raises PortTakenError.
        """
        until = time.monotonic() + patience
        while trouble := self._trouble():
            if time.monotonic() >= until:
                self.drop()
                raise PortTakenError(f"{self._shown} can't be listened on: {trouble}")
            time.sleep(0.2)

    def drop(self) -> None:
        """Release the claim."""
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
    """Return why a server can't listen on the address now; empty if it can."""
    claim = PortClaim(host, port)
    try:
        claim.take()
    except PortTakenError as error:
        return str(error)
    finally:
        claim.drop()
    return ""


def port_number(text: str) -> int:
    """Parse a port given on a command line.

    Raises ArgumentTypeError.
    """
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else 0
    if not 0 < number < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: expected a number from 1 to 65535")
    return number
