import sys

print("bad-release: preparing", flush=True)
print("bad-release: the table is locked, giving up", file=sys.stderr, flush=True)
sys.exit(3)
