-- How long an org's responses are kept, in hours; NULL keeps none.
ALTER TABLE orgs ADD COLUMN response_hours INTEGER CHECK (response_hours BETWEEN 1 AND 720);
CREATE INDEX storing_orgs ON orgs (id) WHERE response_hours IS NOT NULL;

-- The key under which an org's responses are sealed, itself sealed under a master key (STORE_KEYS, by its kid). Without
-- `wrapped` the key is shredded, and so is all that stands under it; the row goes with the last of that.
CREATE TABLE org_keys (
  id TEXT PRIMARY KEY,
  org TEXT NOT NULL REFERENCES orgs (id),
  kid TEXT NOT NULL,
  wrapped TEXT,
  created_at_ms INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX one_org_key ON org_keys (org) WHERE wrapped IS NOT NULL;
CREATE INDEX shredded_keys ON org_keys (id) WHERE wrapped IS NULL;

-- Which responses are stored, and nothing of what they say: that lies sealed in the bucket, under a name that follows
-- from these columns. How long one is kept is its org's to say, at any time.
CREATE TABLE stored_responses (
  id TEXT PRIMARY KEY,
  org TEXT NOT NULL REFERENCES orgs (id),
  key TEXT NOT NULL REFERENCES org_keys (id),
  previous TEXT,
  items_bytes INTEGER NOT NULL,
  rest_bytes INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX stored_by_age ON stored_responses (org, created_at_ms);
CREATE INDEX stored_by_key ON stored_responses (key);
