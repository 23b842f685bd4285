"""Network backend of httpcore that connects to checked addresses only, and ends at a given time."""

import ssl
import time
from collections.abc import Iterable
from typing import Any

import httpcore

from learntrace.signals.notifications.addresses import resolve


class _DeadlineStream(httpcore.NetworkStream):
    """A connection that ends at a given time (`time.monotonic`), however slowly the other side sends."""

    def __init__(self, stream: httpcore.NetworkStream, until: float) -> None:
        self._stream = stream
        self._until = until

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, self._left()), self._until)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class CheckedNetwork(httpcore.NetworkBackend):
    """Connects to the very addresses that were checked. Certificate, SNI and Host are still those of the name."""

    def __init__(self, until: float) -> None:
        self._network = httpcore.SyncBackend()
        self._until = until

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = resolve(host, port)
        for number, address in enumerate(addresses, 1):
            left = self._until - time.monotonic()
            if left <= 0:
                raise httpcore.ConnectTimeout
            # The first of several gets no more than its share of the time.
            share = left / (len(addresses) - number + 1)
            try:
                stream = self._network.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(addresses):
                    raise
            else:
                return _DeadlineStream(stream, self._until)
        raise httpcore.ConnectError
