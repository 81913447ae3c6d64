-- Forward only: a released file is never edited, the next change is the next file.
-- Times are seconds since 1970. Text columns hold UTF-8 without NUL. JSON is kept as text.

CREATE TABLE managed_object (
    collection TEXT NOT NULL,
    id TEXT NOT NULL,
    rev BIGINT NOT NULL,
    doc TEXT NOT NULL,
    created BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    PRIMARY KEY (collection, id)
);

-- One row: the highest revision any deleted object had. A new object begins above it, so an id that is used again never repeats a
-- revision.
CREATE TABLE revision_floor (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    rev BIGINT NOT NULL
);
INSERT INTO revision_floor (only_row, rev) VALUES (1, 0);

CREATE TABLE spent (
    instance TEXT PRIMARY KEY,
    below BIGINT NOT NULL,
    expires BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX spent_expires ON spent (expires);

CREATE TABLE counter (
    name TEXT PRIMARY KEY,
    value BIGINT NOT NULL,
    expires BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX counter_expires ON counter (expires);

CREATE TABLE challenge (
    purpose TEXT PRIMARY KEY,
    instance TEXT NOT NULL,
    expires BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX challenge_expires ON challenge (expires);

CREATE TABLE jsonstorage (
    token TEXT PRIMARY KEY,
    sealed TEXT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX jsonstorage_expires ON jsonstorage (expires);

CREATE TABLE definition (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    process TEXT NOT NULL,
    version TEXT NOT NULL,
    sealed TEXT NOT NULL,
    revoked BOOLEAN NOT NULL,
    UNIQUE (process, version)
);

CREATE TABLE session (
    session_key TEXT PRIMARY KEY,
    public_id TEXT NOT NULL,
    component TEXT NOT NULL,
    owner TEXT NOT NULL,
    authentication_id TEXT NOT NULL,
    claims TEXT NOT NULL,
    created BIGINT NOT NULL,
    last_used BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX session_owner ON session (component, owner);
CREATE INDEX session_expires ON session (expires);
CREATE INDEX session_last_used ON session (last_used);

CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    state TEXT NOT NULL,
    recipient TEXT NOT NULL,
    sender TEXT,
    subject TEXT NOT NULL,
    mime_type TEXT NOT NULL,
    body TEXT NOT NULL,
    waited_for BOOLEAN NOT NULL,
    withheld BOOLEAN NOT NULL,
    attempts BIGINT NOT NULL,
    created BIGINT NOT NULL,
    next_attempt BIGINT NOT NULL,
    delivered BIGINT,
    last_error TEXT
);
CREATE INDEX outbox_due ON outbox (next_attempt) WHERE state = 'pending';
CREATE INDEX outbox_state ON outbox (state, id);

CREATE TABLE audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    time BIGINT NOT NULL,
    topic TEXT NOT NULL,
    event TEXT NOT NULL,
    transaction_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    object TEXT NOT NULL,
    successful BOOLEAN NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX audit_topic ON audit (topic, number);
CREATE INDEX audit_transaction ON audit (transaction_id);
CREATE INDEX audit_object ON audit (object, number);
CREATE INDEX audit_time ON audit (time);
