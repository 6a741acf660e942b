-- Who did what to an org, when: each row with the change it tells of, in one batch, and chained by its hash to the one
-- before, which is never younger. A change that did not take place leaves none. Nothing updates or deletes here, and the
-- triggers see to it.
CREATE TABLE audit (
  org TEXT NOT NULL,
  seq INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  actor_kind TEXT NOT NULL CHECK (actor_kind IN ('key', 'member', 'operator', 'house')),
  actor TEXT NOT NULL,
  actor_name TEXT NOT NULL,
  actor_ip TEXT,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  before TEXT,
  after TEXT,
  request TEXT,
  prev TEXT NOT NULL,
  hash TEXT NOT NULL,
  PRIMARY KEY (org, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_by_time ON audit (org, at_ms);
CREATE INDEX audit_by_actor ON audit (org, actor, seq);
CREATE INDEX audit_by_target ON audit (org, target, seq);
CREATE INDEX audit_by_action ON audit (org, action, seq);
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'audit rows do not change'); END;
CREATE TRIGGER audit_lasts BEFORE DELETE ON audit BEGIN SELECT raise(ABORT, 'audit rows are not deleted'); END;

-- What happened that somebody may want to hear of; written with what caused it.
CREATE TABLE events (
  id TEXT PRIMARY KEY,
  org TEXT NOT NULL,
  type TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  body TEXT NOT NULL CHECK (length(body) <= 16384)
) STRICT;
CREATE INDEX events_by_org ON events (org, at_ms, id);
CREATE INDEX events_by_type ON events (org, type, at_ms, id);

-- A person in an org. `user` is the id that sign-in gave the person.
CREATE TABLE members (
  org TEXT NOT NULL REFERENCES orgs (id) ON DELETE CASCADE,
  user TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'developer', 'billing', 'viewer')),
  version INTEGER NOT NULL DEFAULT 1,
  created_at_ms INTEGER NOT NULL,
  PRIMARY KEY (org, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_by_user ON members (user, org);
CREATE INDEX owners ON members (org) WHERE role = 'owner';

-- Only the token's digest is kept. One use: whoever accepts it sets `accepted_at_ms`.
CREATE TABLE invitations (
  id TEXT PRIMARY KEY,
  org TEXT NOT NULL REFERENCES orgs (id),
  email TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'developer', 'billing', 'viewer')),
  digest TEXT NOT NULL UNIQUE,
  invited_by TEXT NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  accepted_at_ms INTEGER,
  accepted_by TEXT,
  revoked_at_ms INTEGER,
  version INTEGER NOT NULL DEFAULT 1,
  created_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX invitations_by_org ON invitations (org, created_at_ms, id);

CREATE TABLE projects (
  id TEXT PRIMARY KEY,
  org TEXT NOT NULL REFERENCES orgs (id),
  name TEXT NOT NULL,
  limits TEXT,
  is_archived INTEGER NOT NULL DEFAULT 0,
  version INTEGER NOT NULL DEFAULT 1,
  created_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX projects_by_org ON projects (org, created_at_ms, id);

-- A program that owns keys, so that they outlive whoever made them.
CREATE TABLE service_accounts (
  id TEXT PRIMARY KEY,
  org TEXT NOT NULL REFERENCES orgs (id),
  project TEXT REFERENCES projects (id),
  name TEXT NOT NULL,
  removed_at_ms INTEGER,
  version INTEGER NOT NULL DEFAULT 1,
  created_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX service_accounts_by_org ON service_accounts (org, created_at_ms, id);

-- `owner` is a person or a service account; keys made by an admin key have none.
ALTER TABLE keys ADD COLUMN project TEXT REFERENCES projects (id);
ALTER TABLE keys ADD COLUMN owner TEXT;
CREATE INDEX keys_by_owner ON keys (org, owner, created_at_ms, id) WHERE owner IS NOT NULL;
CREATE INDEX keys_by_project ON keys (org, project, created_at_ms, id) WHERE project IS NOT NULL;

-- Members without a second factor may only look who they are.
ALTER TABLE orgs ADD COLUMN requires_mfa INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orgs ADD COLUMN closed_at_ms INTEGER;
