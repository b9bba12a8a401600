"""ZMTP 3.0 by hand (rfc.zeromq.org/spec/23): what a hostile program on a port may say.

Good enough to pass the handshake and then to misbehave in each way that a real library would not
allow. Message types and roles are read from wire/message.h, so that this stays one with it.
"""

import contextlib
import os
import re
import socket
import struct

from harness import local, require

TIMEOUT_S = 10.0
MORE, LONG, COMMAND = 1, 2, 4
MANAGERS = 0xffffffff   # WIRE_GROUP_MANAGERS


def _header():
    with open(os.path.join(local.ROOT, "wire", "message.h"), encoding="utf-8") as file:
        return file.read()


TYPES = {name: number + 1 for number, name in
         enumerate(re.findall(r"M\(([A-Z_]+), \w+, (?:true|false)\)", _header()))}
ROLES = {name: number for number, name in enumerate(
    re.findall(r"X\(([A-Z]+), \"", _header().partition("#define WIRE_ROLES")[2]
               .partition("enum wire_role")[0]))}
FORMAT = int(re.search(r"#define WIRE_FORMAT (\d+)", _header())[1])
# {type: [(kind, name)]}, as the WIRE_<TYPE>_FIELDS of the header.
FIELDS = {name: re.findall(r"F\((\w+), (\w+)\)", body) for name, body in
          re.findall(r"#define WIRE_([A-Z_]+)_FIELDS\(F\)((?:.*\\\n)*.*)", _header())}
assert TYPES["ASK"] == 1 and ROLES["CLIENT"] == 0 and TYPES.keys() <= FIELDS.keys()


def pack(value):
    """msgpack of a number, a truth value, bytes or a list."""
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return b"\xcf" + struct.pack(">Q", value) if value > 127 else bytes([value])
    if isinstance(value, bytes):
        return b"\xc6" + struct.pack(">I", len(value)) + value
    return b"\xdc" + struct.pack(">H", len(value)) + b"".join(pack(item) for item in value)


def head(kind, values, cluster=0, group=0, role="CLIENT", replica=0, start=1):
    """The first frame of a message. `values`: of its fields, by name; a ballot is (round, replica);
    those left out are zero."""
    require(values.keys() <= {name for _, name in FIELDS[kind]}, f"{kind} is other than {values}")
    fields = []
    for field_kind, name in FIELDS[kind]:
        if field_kind == "ballot":
            fields += values.get(name, (0, 0))
        else:
            fields.append(values.get(name, False if field_kind == "flag" else 0))
    return pack([TYPES[kind], FORMAT, cluster, group, ROLES[role], replica, 1, 1, start, *fields])


def frame(body, flags=0):
    """One frame."""
    if len(body) > 255:
        return bytes([flags | LONG]) + struct.pack(">Q", len(body)) + body
    return bytes([flags, len(body)]) + body


def message(*bodies):
    """A message of these frames."""
    return b"".join(frame(body, MORE) for body in bodies[:-1]) + frame(bodies[-1])


GREETING = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)


def ready(identity=b""):
    """The command that ends the handshake of a DEALER."""
    def metadata(name, value):
        return bytes([len(name)]) + name + struct.pack(">I", len(value)) + value
    return frame(b"\x05READY" + metadata(b"Socket-Type", b"DEALER")
                 + metadata(b"Identity", identity), COMMAND)


def connect(address):
    """A TCP connection on which nothing was said."""
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), TIMEOUT_S)


def _finish(connection):
    """Hangs up so that all that was sent is read: a close with something unread would be a reset,
    which makes the other end forget what it has not read yet."""
    with contextlib.suppress(OSError):
        connection.settimeout(TIMEOUT_S)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 16):
            pass


@contextlib.contextmanager
def dealer(address, identity=b""):
    """A connection past the handshake."""
    with connect(address) as connection:
        connection.sendall(GREETING + ready(identity))
        received = b""
        while len(received) < len(GREETING) + 2:
            part = connection.recv(1 << 16)
            require(part, f"{address} hung up in the handshake")
            received += part
        yield connection
        _finish(connection)
