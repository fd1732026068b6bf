"""Logs a line every second until it is told to stop."""

import signal
import threading

from version import VERSION

stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())

tick = 0
while not stop.wait(1):
    tick += 1
    print(f"worker tick {tick} version {VERSION}", flush=True)
print("worker stopped", flush=True)
