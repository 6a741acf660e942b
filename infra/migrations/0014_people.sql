-- How often an invitation was mailed, and when last: nobody's inbox is ours to fill.
ALTER TABLE invitations ADD COLUMN sends INTEGER NOT NULL DEFAULT 0;
ALTER TABLE invitations ADD COLUMN sent_at_ms INTEGER;
CREATE INDEX invitations_by_email ON invitations (org, email);
CREATE INDEX invitations_by_sending ON invitations (org, sent_at_ms) WHERE sent_at_ms IS NOT NULL;
CREATE INDEX invitations_by_inviter ON invitations (invited_by, sent_at_ms) WHERE sent_at_ms IS NOT NULL;

CREATE INDEX members_by_time ON members (org, created_at_ms, user);
CREATE INDEX operators ON auth_users (email) WHERE is_operator = 1;

-- The end of a log as the house has signed it, at most once a day: who has a copy can tell that no later one was cut or
-- written anew.
CREATE TABLE audit_heads (
  org TEXT NOT NULL,
  seq INTEGER NOT NULL,
  hash TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  kid TEXT NOT NULL,
  signature TEXT NOT NULL,
  PRIMARY KEY (org, seq)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER audit_heads_stay BEFORE UPDATE ON audit_heads
  BEGIN SELECT raise(ABORT, 'audit heads do not change'); END;
CREATE TRIGGER audit_heads_last BEFORE DELETE ON audit_heads
  BEGIN SELECT raise(ABORT, 'audit heads are not deleted'); END;
