"""A client of --control: just enough of QMP for tests. QEMU's own client is not in Debian 12; this one is as strict as that: it
expects the greeting, replies in order with their id, and takes events wherever they come."""

import json
import socket
import time

from harness import SLOW, Failed, wait_until

CAPABILITIES = {"execute": "qmp_capabilities"}


class Closed(Exception):
    """The other side has closed the socket."""


class Refused(Exception):
    """An error reply."""

    def __init__(self, error):
        super().__init__(error["desc"])
        self.kind = error["class"]


def connect(path):
    """A plain connection, once somebody listens."""
    end = time.monotonic() + 20 * SLOW
    while True:
        sock = socket.socket(socket.AF_UNIX)
        try:
            sock.connect(str(path))
            return sock
        except (FileNotFoundError, ConnectionRefusedError):
            sock.close()
            if time.monotonic() > end:
                raise Failed(f"nobody listens at {path}") from None
            time.sleep(0.01)


class Client:
    def __init__(self, path, negotiate=True):
        self.sock = connect(path)
        self.sock.settimeout(20 * SLOW)
        self.file = self.sock.makefile("rb")
        self.events, self.serial = [], 0
        self.greeting = self.read()
        if negotiate:
            self.call("qmp_capabilities")

    def close(self):
        self.file.close()
        self.sock.close()

    def send(self, message):
        self.sock.sendall(json.dumps(message).encode())

    def read(self):
        try:
            line = self.file.readline()
        except ConnectionResetError:
            line = b""
        if not line.endswith(b"\r\n"):
            raise Closed(f"the socket was closed behind {line!r}")
        return json.loads(line)

    def reply(self):
        """The next message that is no event."""
        while True:
            message = self.read()
            if "event" not in message:
                return message
            self.events.append(message)

    def call(self, name, **arguments):
        self.serial += 1
        message = {"execute": name, "id": self.serial}
        if arguments:
            message["arguments"] = {key.replace("_", "-"): value for key, value in arguments.items()}
        self.send(message)
        reply = self.reply()
        if reply.get("id") != self.serial:
            raise Failed(f"a reply to another command: {reply}")
        if "error" in reply:
            raise Refused(reply["error"])
        return reply["return"]

    def event(self, name):
        """The next event of that name; those before it are forgotten."""
        while True:
            while self.events:
                event = self.events.pop(0)
                if event["event"] == name:
                    return event
            message = self.read()
            if "event" not in message:
                raise Failed(f"a reply that nobody asked for: {message}")
            self.events.append(message)

    def keys(self, *names, **arguments):
        return self.call("send-key", keys=[{"type": "qcode", "data": name} for name in names], **arguments)

    def wait(self, condition, what):
        """Until that is true of what huddle-stats says."""
        wait_until(lambda: condition(self.call("huddle-stats")), 20, what)
