-- Custom domains and certificates.
ALTER TABLE apps ADD COLUMN acm INTEGER NOT NULL DEFAULT 0; -- 1: its custom domains get certificates by themselves

-- Certificates that users bring.
CREATE TABLE sni_endpoints (
    id         TEXT PRIMARY KEY,
    app        TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    chain      TEXT NOT NULL,                -- PEM
    key        BLOB NOT NULL,                -- PEM, sealed
    names      TEXT NOT NULL,                -- JSON list of host names
    issuer     TEXT NOT NULL,
    subject    TEXT NOT NULL,
    starts_at  INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    trusted    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (app, name)
) STRICT;

ALTER TABLE domains ADD COLUMN endpoint TEXT REFERENCES sni_endpoints (id) ON DELETE SET NULL;
ALTER TABLE domains ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
UPDATE domains SET updated_at = created_at;

-- Certificates that are got automatically: one for each host, the platform's own hosts among them.
CREATE TABLE automatic_certificates (
    hostname   TEXT PRIMARY KEY,
    state      TEXT NOT NULL,
    reason     TEXT,
    refusals   INTEGER NOT NULL,             -- in a row
    not_before INTEGER NOT NULL,
    chain      TEXT,                         -- this and the following are null until there is one
    key        BLOB,                         -- sealed
    names      TEXT,
    issuer     TEXT,
    subject    TEXT,
    starts_at  INTEGER,
    expires_at INTEGER,
    trusted    INTEGER,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE acme_accounts (
    directory   TEXT PRIMARY KEY,            -- URL of the authority
    credentials BLOB NOT NULL,               -- sealed
    created_at  INTEGER NOT NULL
) STRICT;

-- What the router answers to an authority that looks whether a host is ours.
CREATE TABLE acme_challenges (
    token      TEXT PRIMARY KEY,
    answer     TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
