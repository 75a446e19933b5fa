"""A line between a program and its server that can be cut: by hand, or when so much has come through it."""

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

# Closing with this sends a reset instead of a polite end.
_AT_ONCE = struct.pack("ii", 1, 0)
PIECE = 16 * 1024


class TcpProxy:
    """Listens on 127.0.0.1 and passes on to a port of it.

    `cut_after` is how many bytes of the server's answers a connection lets through before it is reset; `cuts` says how
    many more connections that happens to. `dies_of` cuts a connection when what the client says makes it true;
    `hears` is told all that clients say.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.cut_after: int | None = None
        self.dies_of: Callable[[bytes], bool] = lambda said: False
        self.hears: Callable[[bytes], None] = lambda said: None
        self.cuts = 0
        self.is_down = False  # new connections are closed at once
        self.connections = 0
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *what: object) -> None:
        # Closing alone does not wake the thread that waits in accept().
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.reset()

    def reset(self) -> None:
        """Cut every connection, now."""
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            _cut(*pair)

    def _accept(self) -> None:
        with suppress(OSError):  # the end of this proxy
            while True:
                client, _address = self._listening.accept()
                self.connections += 1
                if self.is_down:
                    _cut(client)
                    continue
                server = socket.create_connection(("127.0.0.1", self.target))
                self._pairs.append((client, server))
                threading.Thread(target=self._pass_on, args=(client, server, True), daemon=True).start()
                threading.Thread(target=self._pass_on, args=(server, client, False), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, is_question: bool) -> None:
        passed = 0
        with suppress(OSError):
            while piece := source.recv(PIECE):
                passed += len(piece)
                if is_question:
                    self.hears(piece)
                if self._is_enough(piece, passed, is_question):
                    self.cuts -= 1
                    _cut(source, target)
                    return
                target.sendall(piece)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def _is_enough(self, piece: bytes, passed: int, is_question: bool) -> bool:
        if self.cuts <= 0:
            return False
        if is_question:
            return self.dies_of(piece)
        return self.cut_after is not None and passed > self.cut_after


def _cut(*sockets: socket.socket) -> None:
    for one in sockets:
        with suppress(OSError):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            # The other thread may sit in recv() on it, which close() would not end.
            one.shutdown(socket.SHUT_RDWR)
        one.close()
