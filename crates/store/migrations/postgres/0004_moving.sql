-- At most one row, where this store is one of the two ends of a copy: which copy, and which end (pair.rs).
CREATE TABLE moving (
    only_row BIGINT PRIMARY KEY CHECK (only_row = 1),
    pair TEXT COLLATE "C" NOT NULL,
    part TEXT COLLATE "C" NOT NULL,
    other TEXT NOT NULL,
    since BIGINT NOT NULL
);
