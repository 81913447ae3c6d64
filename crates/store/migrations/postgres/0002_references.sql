-- References between objects are found by where they lead and by their ids; see references.rs.
ALTER TABLE lookup_property ADD COLUMN is_reference BOOLEAN NOT NULL DEFAULT FALSE;

-- Objects that were removed while more referred to them than one transaction takes away. Until the row goes, these references are there no
-- longer to whoever reads.
CREATE TABLE gone_object (
    collection TEXT COLLATE "C" NOT NULL,
    object TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (collection, object)
);
