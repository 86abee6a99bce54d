"""A TCP relay that can lose what one side says."""

import select
import socket
import threading

from .procs import free_port


class Proxy:
    """Relays 127.0.0.1:port to 127.0.0.1:target.  With deaf set, what the
    client says is thrown away; with mute, what the server says."""

    def __init__(self, target):
        self.target = target
        self.port = free_port()
        self.deaf = self.mute = False
        self.refuse = False
        self.pairs = []
        self.lost = 0
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.over = False
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def host(self):
        return "127.0.0.1:%d" % self.port

    def _accept(self):
        while not self.over:
            try:
                a, _ = self.listener.accept()
            except OSError:
                return
            if self.refuse:
                a.close()
                continue
            try:
                b = socket.create_connection(("127.0.0.1", self.target), 5)
            except OSError:
                a.close()
                continue
            for s in (a, b):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.pairs.append((a, b))
            threading.Thread(target=self._relay, args=(a, b), daemon=True).start()

    def _relay(self, a, b):
        try:
            while True:
                ready = select.select([a, b], [], [], 0.5)[0]
                if self.over:
                    break
                for s in ready:
                    data = s.recv(65536)
                    if not data:
                        return
                    if (self.deaf if s is a else self.mute):
                        self.lost += len(data)
                    else:
                        (b if s is a else a).sendall(data)
        except (OSError, ValueError):
            pass
        finally:
            a.close()
            b.close()

    def cut(self):
        """Breaks every connection that is open now."""
        for pair in self.pairs:
            for s in pair:
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        self.pairs.clear()

    def close(self):
        self.over = True
        self.listener.close()
        self.cut()
