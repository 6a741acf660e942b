-- Writes to the control API that named an Idempotency-Key, for a day: whose, which, and how it ended. No answer is kept.
CREATE TABLE control_requests (
  principal TEXT NOT NULL,
  key TEXT NOT NULL,
  digest TEXT NOT NULL,
  status INTEGER,
  request TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (principal, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX control_requests_by_age ON control_requests (at_ms);
-- Each write forgets those whose isolate was lost: among the few that run, not among all of a day.
CREATE INDEX control_requests_running ON control_requests (at_ms) WHERE status IS NULL;
