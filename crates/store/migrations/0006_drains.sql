-- Log drains and webhooks.
CREATE TABLE drains (
    id         TEXT PRIMARY KEY,
    app        TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    url        BLOB NOT NULL,                -- sealed: it may hold a password
    url_digest TEXT NOT NULL,                -- keyed, so that the same URL is known again
    token      TEXT NOT NULL UNIQUE,
    log_cursor INTEGER,                      -- the last log line that needs no more care
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (app, url_digest)
) STRICT;

CREATE TABLE webhooks (
    id            TEXT PRIMARY KEY,
    app           TEXT NOT NULL,             -- no reference: the app's end is still to be told
    url           BLOB NOT NULL,             -- sealed
    include       TEXT NOT NULL,             -- JSON list
    level         TEXT NOT NULL,
    secret        BLOB NOT NULL,             -- sealed
    authorization BLOB,                      -- sealed
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX webhooks_app ON webhooks (app);

-- Things of apps with webhooks as they were last shown, to tell what changed.
CREATE TABLE webhook_shown (
    resource TEXT NOT NULL,
    id       TEXT NOT NULL,
    app      TEXT NOT NULL,
    data     TEXT NOT NULL,                  -- JSON object
    PRIMARY KEY (resource, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_shown_app ON webhook_shown (app);

CREATE TABLE webhook_events (
    sequence      INTEGER PRIMARY KEY AUTOINCREMENT,
    id            TEXT NOT NULL UNIQUE,
    app           TEXT NOT NULL,
    include       TEXT NOT NULL,
    action        TEXT NOT NULL,
    resource      TEXT NOT NULL,
    actor         TEXT NOT NULL,
    actor_email   TEXT NOT NULL,
    data          TEXT NOT NULL,             -- JSON object
    previous_data TEXT NOT NULL,             -- JSON object
    created_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX webhook_events_app ON webhook_events (app);

CREATE TABLE webhook_deliveries (
    sequence        INTEGER PRIMARY KEY AUTOINCREMENT,
    id              TEXT NOT NULL UNIQUE,
    webhook         TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event           TEXT NOT NULL REFERENCES webhook_events (id) ON DELETE CASCADE,
    level           TEXT NOT NULL,
    status          TEXT NOT NULL,
    attempts        INTEGER NOT NULL,
    next_attempt_at INTEGER,                 -- none: it is over
    last_id         TEXT,                    -- the last attempt
    last_code       INTEGER,
    last_error      TEXT,
    last_at         INTEGER,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX webhook_deliveries_webhook ON webhook_deliveries (webhook, sequence);
CREATE INDEX webhook_deliveries_event ON webhook_deliveries (event);
CREATE INDEX webhook_deliveries_open ON webhook_deliveries (webhook, sequence) WHERE next_attempt_at IS NOT NULL;
