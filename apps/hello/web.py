"""A web app for tests: one thread per connection, HTTP/1.1 with keep-alive, and odd addresses on purpose.

/               version, config var GREETING, dyno (text)
/env            the environment (JSON)
/headers        the request's headers in order, as pairs (JSON)
/echo           the request's body back, any method
/slow?s=2       answers after s seconds
/stream?n=5&s=1 n chunks, s seconds apart
/log?text=hi    prints the text to the log
/write?text=hi  writes note.txt beside this file; /read shows it
/hang           reads the request and never answers
/crash          the process ends with code 3
/ws             WebSocket: sends every message back

SIGTERM: takes no new connections, finishes what it has begun (except /hang and /ws), exits with 0.
"""

import base64
import hashlib
import json
import os
import signal
import socketserver
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from version import VERSION

NOTE = Path(__file__).parent / "note.txt"
FIRST_REQUEST_SECONDS_MAX = 1
BODY_BYTES_MAX = 64 * 1024 * 1024
MESSAGE_BYTES_MAX = 1024 * 1024
WEBSOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

stopping = threading.Event()


class Work:
    """What a stopping server still owes an answer to."""

    def __init__(self):
        self.changed = threading.Condition()
        self.fresh = 0  # connections that have not yet brought their first request
        self.requests = 0

    def add(self, fresh=0, requests=0):
        with self.changed:
            self.fresh += fresh
            self.requests += requests
            self.changed.notify_all()

    def finish(self):
        with self.changed:
            self.changed.wait_for(lambda: self.fresh == 0, FIRST_REQUEST_SECONDS_MAX)
            self.changed.wait_for(lambda: self.requests == 0)


work = Work()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    fresh = True
    at_work = False

    def handle_one_request(self):
        if self.rfile.peek(1):
            self.begin()
        super().handle_one_request()
        self.done()
        if stopping.is_set():
            self.close_connection = True

    def finish(self):
        try:
            super().finish()
        finally:
            if self.fresh:
                work.add(fresh=-1)
            self.done()

    def begin(self):
        work.add(requests=1, fresh=-1 if self.fresh else 0)
        self.fresh, self.at_work = False, True

    def done(self):
        """The server no longer waits for this request when it stops."""
        if self.at_work:
            self.at_work = False
            work.add(requests=-1)

    def do_GET(self):
        address = urlsplit(self.path)
        query = dict(parse_qsl(address.query))
        action = PAGES.get(address.path)
        body = self.read_body()
        if body is None:
            return self.answer("too large\n", 413)
        if action is None:
            return self.answer("nothing here\n", 404)
        return action(self, query, body)

    do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = do_GET

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self.read_chunks()
        length = int(self.headers.get("Content-Length", 0))
        if length > BODY_BYTES_MAX:
            self.close_connection = True
            return None
        return self.rfile.read(length)

    def read_chunks(self):
        body = bytearray()
        while size := int(self.rfile.readline().split(b";")[0], 16):
            if len(body) + size > BODY_BYTES_MAX:
                self.close_connection = True
                return None
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return bytes(body)

    def answer(self, body, status=200, kind="text/plain; charset=utf-8"):
        if not isinstance(body, (str, bytes)):
            body, kind = json.dumps(body, indent=1) + "\n", "application/json"
        raw = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(raw)))
        if stopping.is_set():
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw)

    def log_message(self, format, *args):
        print(format % args, flush=True)


# The pages


def home(request, _query, _body):
    greeting = os.environ.get("GREETING", "")
    dyno = os.environ.get("DYNO", "")
    request.answer(f"hello from version {VERSION}\ngreeting: {greeting}\ndyno: {dyno}\n")


def env(request, _query, _body):
    request.answer(dict(os.environ))


def headers(request, _query, _body):
    request.answer([list(pair) for pair in request.headers.items()])


def echo(request, _query, body):
    request.answer(body, kind=request.headers.get("Content-Type", "application/octet-stream"))


def slow(request, query, _body):
    seconds = float(query.get("s", 1))
    time.sleep(seconds)
    request.answer(f"version {VERSION} answered after {seconds:g} s\n")


def stream(request, query, _body):
    request.send_response(200)
    request.send_header("Content-Type", "text/plain")
    request.send_header("Transfer-Encoding", "chunked")
    request.end_headers()
    for number in range(int(query.get("n", 5))):
        if number:
            time.sleep(float(query.get("s", 1)))
        line = f"chunk {number}\n".encode()
        request.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
    request.wfile.write(b"0\r\n\r\n")


def log(request, query, _body):
    print(query.get("text", ""), flush=True)
    request.answer("logged\n")


def write(request, query, _body):
    NOTE.write_text(query.get("text", ""))
    request.answer("written\n")


def read(request, _query, _body):
    if NOTE.exists():
        request.answer(NOTE.read_text())
    else:
        request.answer("nothing written on this dyno\n", 404)


def hang(request, _query, _body):
    request.done()
    request.close_connection = True
    while request.rfile.read(1):
        pass  # until the other side gives up


def crash(_request, _query, _body):
    print("crash: leaving with code 3", file=sys.stderr, flush=True)
    os._exit(3)


def websocket(request, _query, _body):
    key = request.headers.get("Sec-WebSocket-Key")
    if request.headers.get("Upgrade", "").lower() != "websocket" or not key:
        return request.answer("speak WebSocket here\n", 426)
    accept = base64.b64encode(hashlib.sha1((key + WEBSOCKET_GUID).encode()).digest()).decode()
    request.send_response(101)
    request.send_header("Upgrade", "websocket")
    request.send_header("Connection", "Upgrade")
    request.send_header("Sec-WebSocket-Accept", accept)
    request.end_headers()
    request.done()
    request.close_connection = True
    while echo_frame(request):
        pass


def echo_frame(request):
    """Sends one message back; false when the conversation is over."""
    head = request.rfile.read(2)
    if len(head) < 2:
        return False
    kind, length = head[0] & 15, head[1] & 127
    if length == 126:
        [length] = struct.unpack("!H", request.rfile.read(2))
    elif length == 127:
        [length] = struct.unpack("!Q", request.rfile.read(8))
    if length > MESSAGE_BYTES_MAX:
        return False
    mask = request.rfile.read(4)
    data = bytes(byte ^ mask[place % 4] for place, byte in enumerate(request.rfile.read(length)))
    if kind in (TEXT, BINARY, CLOSE, PING):
        first = head[0] & 0xF0 | (PONG if kind == PING else kind)
        short = length if length < 126 else 126 if length < 65536 else 127
        extended = b"" if length < 126 else struct.pack("!H" if length < 65536 else "!Q", length)
        request.wfile.write(bytes([first, short]) + extended + data)
    return kind != CLOSE


PAGES = {
    "/": home,
    "/env": env,
    "/headers": headers,
    "/echo": echo,
    "/slow": slow,
    "/stream": stream,
    "/log": log,
    "/write": write,
    "/read": read,
    "/hang": hang,
    "/crash": crash,
    "/ws": websocket,
}


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 1024

    def process_request(self, request, client_address):
        work.add(fresh=1)
        super().process_request(request, client_address)

    def handle_error(self, _request, _client_address):
        print(f"connection broken: {sys.exception()!r}", file=sys.stderr, flush=True)

    def take_waiting(self):
        """Takes the connections that the kernel already accepted, so that closing the door drops none of them."""
        self.socket.setblocking(False)
        for _ in range(self.request_queue_size):
            try:
                connection, address = self.get_request()
            except BlockingIOError:
                return
            connection.setblocking(True)
            self.process_request(connection, address)


def main():
    # Blocked here and so in every thread: only sigwait below takes it, whatever the threads are doing.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    server = Server(("0.0.0.0", int(os.environ["PORT"])), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    print(f"version {VERSION} listens on port {server.server_address[1]}", flush=True)
    signal.sigwait({signal.SIGTERM})
    stopping.set()
    print("told to stop", flush=True)
    server.shutdown()
    server.take_waiting()
    server.server_close()
    work.finish()
    print("stopped", flush=True)


if __name__ == "__main__":
    main()
