-- What objects are found by stands in a table of its own, so that a write that changes none of it (a new password) touches none of it, and
-- so that a property may have any name. It takes the place of the indexes over expressions, which are dropped with this step, and of the
-- forms of names.
DROP TABLE identifier;
DROP TABLE identifier_property;

-- The properties whose values are kept, as the configuration declared them last. A number is never used again.
CREATE TABLE lookup_property (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    collection TEXT NOT NULL,
    pointer TEXT NOT NULL,
    is_unique BOOLEAN NOT NULL,
    is_spelled BOOLEAN NOT NULL,
    -- Objects that were there before contradict the uniqueness.
    is_doubled BOOLEAN NOT NULL,
    rule BIGINT NOT NULL,
    UNIQUE (collection, pointer)
);

-- One row: grows when lookup_property changes, so that whoever knows an older declaration notices.
CREATE TABLE lookup_epoch (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    epoch BIGINT NOT NULL,
    -- Counts attempts to write anything, which tell whether it is possible.
    probed BIGINT NOT NULL
);
INSERT INTO lookup_epoch (only_row, epoch, probed) VALUES (1, 0, 0);

-- The terms of the objects. A space is a property's number and the kind of its terms; see lookups.rs.
CREATE TABLE lookup_key (
    space BIGINT NOT NULL,
    term TEXT NOT NULL,
    object TEXT NOT NULL,
    PRIMARY KEY (space, term, object)
) WITHOUT ROWID;

-- What is known of the address of an object: that its owner has shown it to be theirs, or that somebody gave it and has shown nothing. The
-- address stands in its canonical form; a row about another address than the object has says nothing.
CREATE TABLE confirmation (
    collection TEXT NOT NULL,
    object TEXT NOT NULL,
    address TEXT NOT NULL,
    confirmed BOOLEAN NOT NULL,
    PRIMARY KEY (collection, object)
) WITHOUT ROWID;

-- At most one row: what the keys say that texts here were sealed with. Other keys cannot open them.
CREATE TABLE sealing (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    mark TEXT NOT NULL
);
