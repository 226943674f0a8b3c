#!/usr/bin/env python3
"""A FastCGI client that can do wrong: speaks to the gateway's socket without
nginx, for 151_bad_fastcgi.sh.

    fcgi.py SOCKET CASE [NAME=VALUE...] [< body]

Prints what came back as a CGI answer (head, empty line, body), and at the end of
standard error one word: `ended` if the request was ended as the protocol has it,
`closed` if the connection was closed without that, `kept` if it is still open
after a request that was broken off. Names and values are taken byte for byte;
CASE is one of the functions below.
"""
import os
import socket
import struct
import sys

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT = 1, 2, 3, 4, 5, 6
DATA, GET_VALUES = 8, 9
RESPONDER, AUTHORIZER, FILTER = 1, 2, 3
KEEP = 1


def record(kind, content=b"", request=1, version=1, length=None):
    size = len(content) if length is None else length
    return struct.pack(">BBHHBx", version, kind, request, size, 0) + content


def begin(role=RESPONDER, flags=0, request=1):
    return record(BEGIN, struct.pack(">HB5x", role, flags), request)


def size_of(n):
    return bytes([n]) if n < 128 else struct.pack(">I", n | 0x80000000)


def pair(name, value):
    return size_of(len(name)) + size_of(len(value)) + name + value


def stream(kind, content):
    parts = [content[i : i + 65000] for i in range(0, len(content), 65000)]
    return b"".join(record(kind, part) for part in parts) + record(kind)


def request(params, body, **how):
    text = b"".join(pair(*p) for p in params)
    return begin(**how) + stream(PARAMS, text) + stream(STDIN, body)


# --- cases: what is sent, from parameters and a body ---------------------------


def plain(params, body):
    yield request(params, body)


def byte_by_byte(params, body):
    for byte in request(params, body):
        yield bytes([byte])


def authorizer(params, body):
    yield request(params, body, role=AUTHORIZER)


def unknown_role(params, body):
    yield request(params, body, role=77)


def garbage(params, body):
    yield b"GET /v1/tasks HTTP/1.1\r\nHost: h\r\n\r\n" * 50


def zeros(params, body):
    yield bytes(4096)


def another_version(params, body):
    yield record(BEGIN, struct.pack(">HB5x", 1, 0), version=9)
    yield request(params, body)


def unknown_type(params, body):
    yield record(99, b"x" * 16) + request(params, body)


def management(params, body):
    """What a web server may ask before its first request."""
    yield record(GET_VALUES, pair(b"FCGI_MAX_CONNS", b""), request=0)
    yield request(params, body)


def no_begin(params, body):
    yield stream(PARAMS, b"".join(pair(*p) for p in params))
    yield stream(STDIN, body)


def another_id(params, body):
    """Records of a request that never began, in between."""
    text = b"".join(pair(*p) for p in params)
    yield begin() + record(PARAMS, text, request=2) + stream(PARAMS, text)
    yield record(STDIN, b"{}", request=3) + stream(STDIN, body)


def second_begin(params, body):
    """A second request on a connection that has one."""
    yield begin(flags=KEEP) + begin(flags=KEEP, request=2)
    yield request(params, body)[len(begin()) :]


def params_cut(params, body):
    text = b"".join(pair(*p) for p in params)
    yield begin() + record(PARAMS, text[:-3]) + record(PARAMS)
    yield stream(STDIN, body)


def params_of_4_gigabytes(params, body):
    """Lengths whose sum is past what an int holds."""
    yield begin() + record(PARAMS, b"\xff" * 8 + b"x" * 60000) + record(PARAMS)
    yield stream(STDIN, body)


def params_of_2_gigabytes(params, body):
    head = struct.pack(">II", 0xC0000000, 0xBFFFFFF0)
    yield begin() + record(PARAMS, head + b"x" * 60000) + record(PARAMS)
    yield stream(STDIN, body)


def stdin_before_params(params, body):
    yield begin() + record(STDIN, body) + request(params, body)[len(begin()) :]


def abort(params, body):
    text = b"".join(pair(*p) for p in params)
    yield begin(flags=KEEP) + stream(PARAMS, text) + record(STDIN, body[:5])
    yield record(ABORT)


def abort_in_params(params, body):
    text = b"".join(pair(*p) for p in params)
    yield begin(flags=KEEP) + record(PARAMS, text) + record(ABORT)


def leave_in_header(params, body):
    yield begin()[:5]


def leave_in_params(params, body):
    text = b"".join(pair(*p) for p in params)
    yield begin() + record(PARAMS, text[:-3], length=len(text))


def leave_in_body(params, body):
    text = b"".join(pair(*p) for p in params)
    yield begin() + stream(PARAMS, text) + record(STDIN, body[:5])


def leave_in_record(params, body):
    text = b"".join(pair(*p) for p in params)
    yield begin() + stream(PARAMS, text)
    yield record(STDIN, body[:5], length=len(body))


def leave_before_the_answer(params, body):
    yield request(params, body)


def twice_kept(params, body):
    """Two requests, one after the other, on one connection."""
    yield request(params, body, flags=KEEP)
    yield request(params, body)


def megabytes(params, body):
    """A body far over any limit, announced truly."""
    body = body + b" " * (32 << 20)
    length = [(b"CONTENT_LENGTH", str(len(body)).encode())]
    yield request(params + length, body)


# --- ----------------------------------------------------------------------------


class Answer:
    """Reads records until the request has ended or the peer has closed."""

    def __init__(self, sock):
        self.file = sock.makefile("rb")
        self.out = b""

    def read(self):
        while True:
            try:
                head = self.file.read(8)
                if len(head) < 8:
                    return "closed"
                _, kind, _, size, pad = struct.unpack(">BBHHBx", head)
                content = self.file.read(size + pad)[:size]
            except OSError:
                return "closed"
            if kind == STDOUT:
                self.out += content
            if kind == END:
                return "ended"

    def is_kept(self, sock):
        sock.settimeout(10)
        try:
            return sock.recv(1) != b""
        except TimeoutError:
            return True
        except OSError:
            return False


def main():
    path, name, pairs = sys.argv[1], sys.argv[2], sys.argv[3:]
    params = [tuple(os.fsencode(p).split(b"=", 1)) for p in pairs]
    body = sys.stdin.buffer.read()
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(60)
    sock.connect(path)
    answer = Answer(sock)
    ending = None
    try:
        for piece in globals()[name](params, body):
            sock.sendall(piece)
            if name == "twice_kept":
                ending = answer.read()
    except OSError:
        pass  # it was closed under our hands: the answer tells
    if name.startswith("leave_"):
        sock.close()
        answer.file.close()
        ending = "left"
    else:
        ending = ending or answer.read()
    if name.startswith("abort") and answer.is_kept(sock):
        ending = "kept"
    sys.stdout.buffer.write(answer.out)
    print(ending, file=sys.stderr)


main()
