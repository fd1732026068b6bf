-- Backups: transfers and their schedules.
CREATE TABLE transfers (
    id              TEXT PRIMARY KEY,
    app             TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    addon           TEXT NOT NULL REFERENCES addons (id) ON DELETE CASCADE,
    number          INTEGER NOT NULL,          -- counted for each app, over all kinds
    kind            TEXT NOT NULL,
    state           TEXT NOT NULL,
    schedule        TEXT,                      -- no reference: a backup outlives the schedule that asked for it
    from_name       TEXT NOT NULL,
    to_name         TEXT NOT NULL,
    source_transfer TEXT,                      -- the backup that is restored; no reference, it may be deleted meanwhile
    source_addon    TEXT,                      -- the add-on that is copied; likewise
    source_url      BLOB,                      -- sealed: what is restored or copied from elsewhere
    extensions      TEXT NOT NULL,             -- JSON list
    attempts        INTEGER NOT NULL,
    source_bytes    INTEGER NOT NULL,
    processed_bytes INTEGER NOT NULL,
    warnings        INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    started_at      INTEGER,
    finished_at     INTEGER,
    UNIQUE (app, number)
) STRICT;
CREATE INDEX transfers_addon ON transfers (addon);

CREATE TABLE transfer_logs (
    transfer TEXT NOT NULL REFERENCES transfers (id) ON DELETE CASCADE,
    at       INTEGER NOT NULL,
    message  TEXT NOT NULL
) STRICT;
CREATE INDEX transfer_logs_transfer ON transfer_logs (transfer);

-- What was in the database when a backup was made, to compare it with when it is restored.
CREATE TABLE transfer_contents (
    transfer TEXT PRIMARY KEY REFERENCES transfers (id) ON DELETE CASCADE,
    contents TEXT NOT NULL                     -- JSON object: table to rows
) STRICT;

-- The last number that an app gave: a number is not used again, also when the transfer is deleted.
CREATE TABLE transfer_numbers (
    app    TEXT PRIMARY KEY REFERENCES apps (id) ON DELETE CASCADE,
    number INTEGER NOT NULL
) STRICT;

CREATE TABLE transfer_schedules (
    id         TEXT PRIMARY KEY,
    addon      TEXT NOT NULL REFERENCES addons (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    hour       INTEGER NOT NULL,
    timezone   TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_day   TEXT,                           -- in its time zone
    UNIQUE (addon, name)
) STRICT;
