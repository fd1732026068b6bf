import os
import platform
import signal
import socketserver
import threading
from http.server import BaseHTTPRequestHandler

TEXT = f"python {platform.python_version()}\n"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(TEXT)))
        self.end_headers()
        self.wfile.write(TEXT.encode())


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # sigwait below takes it
server = Server(("0.0.0.0", int(os.environ["PORT"])), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("no-python-version: listening", flush=True)
signal.sigwait({signal.SIGTERM})
