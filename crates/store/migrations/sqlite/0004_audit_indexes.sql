-- Events are numbered in the order of their times: what is read newest first, or forgotten when it is old, needs no index of its own, and
-- every event paid for three.
DROP INDEX audit_topic;
DROP INDEX audit_transaction;
DROP INDEX audit_time;
