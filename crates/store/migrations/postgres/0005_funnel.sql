-- How far each instance has come, until its last token has ended; then it is counted in `funnel` and goes.
CREATE TABLE passage (
    instance TEXT COLLATE "C" PRIMARY KEY,
    process TEXT NOT NULL,
    version TEXT NOT NULL,
    path TEXT NOT NULL,
    language TEXT NOT NULL,
    began BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    reached BIGINT NOT NULL,
    ended BOOLEAN NOT NULL,
    took TEXT NOT NULL,
    failed TEXT NOT NULL
);
CREATE INDEX passage_expires ON passage (expires);

-- Instances, counted by the day they began. `what` is entered, completed, abandoned, failed:<reason> or within:<bucket>.
CREATE TABLE funnel (
    cell TEXT COLLATE "C" PRIMARY KEY,
    day BIGINT NOT NULL,
    process TEXT NOT NULL,
    version TEXT NOT NULL,
    language TEXT NOT NULL,
    place BIGINT NOT NULL,
    stage TEXT NOT NULL,
    what TEXT NOT NULL,
    number BIGINT NOT NULL
);
