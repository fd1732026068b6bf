-- Plans, limits and credentials of databases.
CREATE TABLE databases (
    addon      TEXT PRIMARY KEY REFERENCES addons (id) ON DELETE CASCADE,
    equipped   TEXT,                         -- the plan whose limits its server holds it to
    rotation   TEXT NOT NULL,
    next       BLOB,                         -- sealed: credentials being made
    retiring   BLOB,                         -- sealed: credentials that end with the overlap
    rotated_at INTEGER,
    reset      TEXT NOT NULL,                -- 'none', 'wanted', or the identity of the database that is replaced
    standing   TEXT NOT NULL,
    over_since INTEGER
) STRICT;
