-- Attempts at a mail that began and never said how they ended: one that kills its process must not be tried for ever.
ALTER TABLE outbox ADD COLUMN unfinished BIGINT NOT NULL DEFAULT 0;
