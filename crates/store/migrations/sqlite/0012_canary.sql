-- The mails that left for an instance.
ALTER TABLE passage ADD COLUMN mails BIGINT NOT NULL DEFAULT 0;

-- Next definitions that are tried beside present ones: when that began, what was counted, and how it ended (nothing while it goes on).
CREATE TABLE canary (
    process TEXT NOT NULL,
    present TEXT NOT NULL,
    next TEXT NOT NULL,
    began BIGINT NOT NULL,
    present_instances BIGINT NOT NULL,
    present_completed BIGINT NOT NULL,
    present_failed BIGINT NOT NULL,
    present_mails BIGINT NOT NULL,
    next_instances BIGINT NOT NULL,
    next_completed BIGINT NOT NULL,
    next_failed BIGINT NOT NULL,
    next_mails BIGINT NOT NULL,
    outcome TEXT,
    ended BIGINT,
    PRIMARY KEY (process, present, next)
);
