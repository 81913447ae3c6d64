-- Forward only: a released file is never edited, the next change is the next file. A step only adds what the version before it can leave
-- alone: nodes of both work side by side while one after the other is replaced.
-- Times are seconds since 1970. Text compares by its bytes, whatever the database was made with. JSON is kept as text, as it was written.

-- One row: the last step that was made, and the first one whose program can work with these tables.
CREATE TABLE schema_version (
    only_row BIGINT PRIMARY KEY CHECK (only_row = 1),
    step BIGINT NOT NULL,
    serves_from BIGINT NOT NULL
);
INSERT INTO schema_version (only_row, step, serves_from) VALUES (1, 0, 0);

-- The marks of units: done ones, and void ones of which it was asked and which are not done. Kept for a day.
CREATE TABLE unit (
    mark TEXT COLLATE "C" PRIMARY KEY,
    done BOOLEAN NOT NULL,
    made BIGINT NOT NULL
);
CREATE INDEX unit_made ON unit (made);

CREATE TABLE managed_object (
    collection TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    rev BIGINT NOT NULL,
    doc TEXT NOT NULL,
    created BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    PRIMARY KEY (collection, id)
);
-- A new password changes no index: its row stays on its page.
ALTER TABLE managed_object SET (fillfactor = 80);

-- One row: the highest revision any deleted object had. A new object begins above it.
CREATE TABLE revision_floor (
    only_row BIGINT PRIMARY KEY CHECK (only_row = 1),
    rev BIGINT NOT NULL
);
INSERT INTO revision_floor (only_row, rev) VALUES (1, 0);

CREATE TABLE spent (
    instance TEXT COLLATE "C" PRIMARY KEY,
    below BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX spent_expires ON spent (expires);

CREATE TABLE counter (
    name TEXT COLLATE "C" PRIMARY KEY,
    value BIGINT NOT NULL,
    expires BIGINT NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX counter_expires ON counter (expires);

CREATE TABLE challenge (
    purpose TEXT COLLATE "C" PRIMARY KEY,
    instance TEXT COLLATE "C" NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX challenge_expires ON challenge (expires);

CREATE TABLE jsonstorage (
    token TEXT COLLATE "C" PRIMARY KEY,
    sealed TEXT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX jsonstorage_expires ON jsonstorage (expires);

CREATE TABLE definition (
    number BIGINT PRIMARY KEY,
    process TEXT COLLATE "C" NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    sealed TEXT NOT NULL,
    revoked BOOLEAN NOT NULL,
    UNIQUE (process, version)
);

CREATE TABLE session (
    session_key TEXT COLLATE "C" PRIMARY KEY,
    public_id TEXT COLLATE "C" NOT NULL,
    component TEXT COLLATE "C" NOT NULL,
    owner TEXT COLLATE "C" NOT NULL,
    authentication_id TEXT COLLATE "C" NOT NULL,
    claims TEXT NOT NULL,
    created BIGINT NOT NULL,
    last_used BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX session_owner ON session (component, owner);
CREATE INDEX session_expires ON session (expires);
CREATE INDEX session_last_used ON session (last_used);

-- A node takes 32 numbers at a time.
CREATE SEQUENCE outbox_number INCREMENT BY 32;
CREATE TABLE outbox (
    id BIGINT PRIMARY KEY,
    state BIGINT NOT NULL, -- 2 pending, 3 delivered, 4 dead
    withheld BOOLEAN NOT NULL,
    waited_for BOOLEAN NOT NULL,
    attempts BIGINT NOT NULL,
    unfinished BIGINT NOT NULL,
    created BIGINT NOT NULL,
    next_attempt BIGINT NOT NULL,
    delivered BIGINT NOT NULL,
    client BIGINT,
    recipient TEXT NOT NULL,
    sender TEXT,
    last_error TEXT,
    mime_type TEXT NOT NULL,
    subject TEXT NOT NULL,
    body BYTEA NOT NULL
);
CREATE INDEX outbox_due ON outbox (next_attempt) WHERE state = 2 AND NOT withheld;
CREATE INDEX outbox_dead ON outbox (id) WHERE state = 4;

CREATE TABLE audit (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    time BIGINT NOT NULL,
    topic TEXT COLLATE "C" NOT NULL,
    event TEXT NOT NULL,
    transaction_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    object TEXT COLLATE "C" NOT NULL,
    successful BOOLEAN NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX audit_object ON audit (object, number);

-- The properties whose values are kept, as the configuration declared them last. A number is never used again.
CREATE TABLE lookup_property (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    collection TEXT COLLATE "C" NOT NULL,
    pointer TEXT COLLATE "C" NOT NULL,
    is_unique BOOLEAN NOT NULL,
    is_spelled BOOLEAN NOT NULL,
    is_doubled BOOLEAN NOT NULL,
    rule BIGINT NOT NULL,
    UNIQUE (collection, pointer)
);

-- One row: grows when lookup_property changes. The other number counts attempts to write anything, which tell whether it is possible.
CREATE TABLE lookup_epoch (
    only_row BIGINT PRIMARY KEY CHECK (only_row = 1),
    epoch BIGINT NOT NULL,
    probed BIGINT NOT NULL
) WITH (fillfactor = 10);
INSERT INTO lookup_epoch (only_row, epoch, probed) VALUES (1, 0, 0);

-- The terms of the objects. A space is a property's number and the kind of its terms.
CREATE TABLE lookup_key (
    space BIGINT NOT NULL,
    term TEXT COLLATE "C" NOT NULL,
    object TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (space, term, object)
);

CREATE TABLE confirmation (
    collection TEXT COLLATE "C" NOT NULL,
    object TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    confirmed BOOLEAN NOT NULL,
    PRIMARY KEY (collection, object)
);

-- Files of the project that were changed over REST at one node, sealed; without content where they were removed.
CREATE TABLE config_file (
    path TEXT COLLATE "C" PRIMARY KEY,
    sealed TEXT,
    number BIGINT NOT NULL,
    changed BIGINT NOT NULL
);

-- At most one row: what the keys say that texts here were sealed with. Other keys cannot open them.
CREATE TABLE sealing (
    only_row BIGINT PRIMARY KEY CHECK (only_row = 1),
    mark TEXT NOT NULL
);

-- The term of a number, as the program makes it: the bits of a float in an order that compares as floats do, and how far a whole number is
-- above it. A float beyond 2^53 is taken apart, because this engine rounds it to 15 digits where it becomes a NUMERIC.
CREATE FUNCTION number_term(number TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT '1' || lpad(to_hex(CASE WHEN bits < 0 THEN ~bits ELSE bits # (-9223372036854775808)::bigint END), 16, '0')
        || lpad(to_hex((CASE WHEN whole IS NULL THEN 0
            ELSE whole - (floor(float / 4294967296)::bigint::numeric * 4294967296
                + (float - floor(float / 4294967296) * 4294967296)::bigint::numeric) END)::bigint + 32768), 4, '0')
    FROM (
        SELECT float, whole, CASE WHEN float = 0 THEN 0 ELSE ('x' || encode(float8send(float), 'hex'))::bit(64)::bigint END AS bits
        FROM (
            SELECT number::float8 AS float, CASE WHEN number ~ '^-?[0-9]{1,19}$'
                AND number::numeric BETWEEN -9223372036854775808 AND 9223372036854775807 THEN number::numeric END AS whole
        ) AS read
    ) AS split
$$;

-- What a value is ordered by and compared with; NULL where it is missing or null.
CREATE FUNCTION term_of(value JSON) RETURNS TEXT LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (CASE json_typeof(value)
        WHEN 'null' THEN NULL
        WHEN 'boolean' THEN number_term(CASE value #>> '{}' WHEN 'true' THEN '1' ELSE '0' END)
        WHEN 'number' THEN number_term(value #>> '{}')
        WHEN 'string' THEN '2' || (value #>> '{}')
        ELSE '2' || value::text
    END) COLLATE "C"
$$;
