-- People: invitations, collaborators, scopes of tokens.
ALTER TABLE accounts ADD COLUMN removed_at INTEGER;  -- set: nobody can use it; kept because history names it
ALTER TABLE tokens ADD COLUMN scope TEXT NOT NULL DEFAULT 'global'; -- words with spaces between
ALTER TABLE tokens ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
UPDATE tokens SET updated_at = created_at;

CREATE TABLE invitations (
    account    TEXT PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    digest     TEXT NOT NULL UNIQUE,         -- SHA-256 of the secret in its link, hex
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE collaborators (
    id         TEXT PRIMARY KEY,
    app        TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    account    TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    UNIQUE (app, account)
) STRICT;
CREATE INDEX collaborators_account ON collaborators (account);

CREATE TABLE app_transfers (
    id         TEXT PRIMARY KEY,
    app        TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    owner      TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    recipient  TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    state      TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX app_transfers_pending ON app_transfers (app) WHERE state = 'pending';

CREATE TABLE app_features (
    app        TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (app, name)
) STRICT;

CREATE TABLE ssh_keys (
    id          TEXT PRIMARY KEY,
    account     TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    public_key  TEXT NOT NULL,
    comment     TEXT NOT NULL,
    fingerprint TEXT NOT NULL UNIQUE,        -- a key is one person's
    created_at  INTEGER NOT NULL
) STRICT;
