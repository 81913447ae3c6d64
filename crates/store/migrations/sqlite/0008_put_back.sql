-- At most one row: when the store was put back from a copy. What was spent between the copy and this moment is not known here, so nothing that
-- was issued before it is good.
CREATE TABLE put_back (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    at BIGINT NOT NULL
);
