-- Ids are UUID texts, times are microseconds since the epoch, sealed columns are encrypted with the data folder's key.
CREATE TABLE accounts (
    id            TEXT PRIMARY KEY,
    email         TEXT NOT NULL UNIQUE,
    name          TEXT,                      -- the person's name, if told
    password_hash TEXT,                      -- argon2id in PHC form; none: cannot log in with a password
    owner         INTEGER NOT NULL,          -- 1: owns the platform
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE tokens (
    id          TEXT PRIMARY KEY,
    account     TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    digest      TEXT NOT NULL UNIQUE,        -- SHA-256 of the token, hex
    hint        TEXT NOT NULL,               -- its first and last characters, for lists
    description TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER
) STRICT;

CREATE TABLE apps (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    owner       TEXT NOT NULL REFERENCES accounts (id),
    stack       TEXT NOT NULL,
    buildpacks  TEXT NOT NULL,               -- JSON list of what was set or pinned
    maintenance INTEGER NOT NULL DEFAULT 0,
    next_run    INTEGER NOT NULL DEFAULT 1,  -- number of the next one-off dyno
    repo_bytes  INTEGER,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    released_at INTEGER
) STRICT;

CREATE TABLE domains (
    id         TEXT PRIMARY KEY,
    app        TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    hostname   TEXT NOT NULL UNIQUE,
    custom     INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE addons (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    app        TEXT NOT NULL,                -- no reference: one being removed outlives its app
    plan       TEXT NOT NULL,
    state      TEXT NOT NULL,
    resource   BLOB,                         -- sealed
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE attachments (
    id         TEXT PRIMARY KEY,
    addon      TEXT NOT NULL REFERENCES addons (id) ON DELETE CASCADE,
    app        TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (app, name)
) STRICT;

CREATE TABLE config_vars (
    app        TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    key        TEXT NOT NULL,
    value      BLOB NOT NULL,                -- sealed
    attachment TEXT REFERENCES attachments (id) ON DELETE CASCADE, -- set when an add-on owns it
    PRIMARY KEY (app, key)
) STRICT;

CREATE TABLE slugs (
    id         TEXT PRIMARY KEY,
    app        TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    stack      TEXT NOT NULL,
    source     TEXT,
    language   TEXT NOT NULL,
    bytes      INTEGER NOT NULL,
    processes  TEXT NOT NULL,                -- JSON object: type to command
    manifest   TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE releases (
    id           TEXT PRIMARY KEY,
    app          TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    version      INTEGER NOT NULL,
    status       TEXT NOT NULL,
    slug         TEXT REFERENCES slugs (id),
    description  TEXT NOT NULL,
    user         TEXT NOT NULL REFERENCES accounts (id),
    config       BLOB NOT NULL,              -- sealed JSON object, as it was when the release was made
    attached     TEXT NOT NULL,              -- JSON list: which of its keys belonged to add-ons then
    runs_command INTEGER NOT NULL,
    command_dyno TEXT,
    failure      TEXT,
    addon_plans  TEXT NOT NULL,              -- JSON list
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    UNIQUE (app, version)
) STRICT;
CREATE INDEX releases_status ON releases (status);

CREATE TABLE builds (
    id         TEXT PRIMARY KEY,
    app        TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    user       TEXT NOT NULL REFERENCES accounts (id),
    status     TEXT NOT NULL,
    generation INTEGER NOT NULL,
    source     TEXT NOT NULL,
    revision   TEXT,
    buildpacks TEXT NOT NULL,
    slug       TEXT REFERENCES slugs (id),
    release    TEXT REFERENCES releases (id),
    stack      TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX builds_status ON builds (status);

CREATE TABLE formation (
    id         TEXT PRIMARY KEY,
    app        TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    kind       TEXT NOT NULL,
    command    TEXT NOT NULL,
    quantity   INTEGER NOT NULL,
    size       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (app, kind)
) STRICT;

CREATE TABLE dynos (
    id               TEXT PRIMARY KEY,
    app              TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    process          TEXT NOT NULL,
    number           INTEGER NOT NULL,
    kind             TEXT NOT NULL,
    release          TEXT NOT NULL REFERENCES releases (id) ON DELETE CASCADE,
    command          TEXT NOT NULL,
    size             TEXT NOT NULL,
    state            TEXT NOT NULL,
    life             INTEGER NOT NULL,
    crashes          INTEGER NOT NULL,
    not_before       INTEGER NOT NULL,
    replaced         INTEGER NOT NULL,       -- 1: a fresh one is to take its place
    address          TEXT,
    exit_status      INTEGER,
    exit_reason      TEXT,
    attach           TEXT,                   -- JSON: secret digest and window
    env              BLOB,                   -- sealed JSON list of pairs
    created_at       INTEGER NOT NULL,
    state_changed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX dynos_app ON dynos (app);
