import signal

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # sigwait below takes it
print("never-binds: running, but not listening", flush=True)
signal.sigwait({signal.SIGTERM})
