-- The forms in which the unique names of an object are compared, so that spellings of one name are found by each other (SEC-48). Kept
-- with every write of the object.
CREATE TABLE identifier (
    collection TEXT NOT NULL,
    property TEXT NOT NULL,
    object TEXT NOT NULL,
    canonical TEXT NOT NULL,
    skeleton TEXT NOT NULL,
    PRIMARY KEY (collection, property, object)
) WITHOUT ROWID;
CREATE INDEX identifier_canonical ON identifier (collection, property, canonical);
CREATE INDEX identifier_skeleton ON identifier (collection, property, skeleton);

-- The properties whose forms are kept, and by which rule they were made.
CREATE TABLE identifier_property (
    collection TEXT NOT NULL,
    property TEXT NOT NULL,
    rule BIGINT NOT NULL,
    PRIMARY KEY (collection, property)
) WITHOUT ROWID;
