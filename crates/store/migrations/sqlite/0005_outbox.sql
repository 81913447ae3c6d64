-- A mail costs as few pages as can be: numbers that are given without a table that counts, states as numbers so that a row that changes its
-- state keeps its length and is written over in place, and indexes that hold only what is looked for: mails that wait, and dead letters.
-- The text is last, so that what is read without it is on the row's first page.
CREATE TABLE mail (
    id INTEGER PRIMARY KEY,
    state BIGINT NOT NULL, -- 2 pending, 3 delivered, 4 dead
    withheld BOOLEAN NOT NULL,
    waited_for BOOLEAN NOT NULL,
    attempts BIGINT NOT NULL,
    unfinished BIGINT NOT NULL,
    created BIGINT NOT NULL,
    next_attempt BIGINT NOT NULL,
    delivered BIGINT NOT NULL, -- when it was, once it is; when it was written, until then
    client BIGINT,
    recipient TEXT NOT NULL,
    sender TEXT,
    last_error TEXT,
    mime_type TEXT NOT NULL,
    subject TEXT NOT NULL,
    body BLOB NOT NULL
);
INSERT INTO mail
    SELECT id, CASE state WHEN 'pending' THEN 2 WHEN 'delivered' THEN 3 ELSE 4 END, withheld, waited_for, attempts, unfinished, created,
        next_attempt, coalesce(delivered, created), NULL, recipient, sender, last_error, mime_type, subject, body
    FROM outbox;
DROP TABLE outbox;
ALTER TABLE mail RENAME TO outbox;
CREATE INDEX outbox_due ON outbox (next_attempt) WHERE state = 2 AND NOT withheld;
CREATE INDEX outbox_dead ON outbox (id) WHERE state = 4;
