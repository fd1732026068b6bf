def connect(url):
    raise RuntimeError(f"crashes: cannot reach {url}, as always")


print("crashes: starting", flush=True)
connect("postgres://nowhere.invalid/none")
