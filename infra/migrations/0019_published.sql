-- Which version of a record the data plane has. A record that is ahead of it says so, and the cron publishes it.
ALTER TABLE orgs ADD COLUMN published_version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE projects ADD COLUMN published_version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE keys ADD COLUMN published_version INTEGER NOT NULL DEFAULT 0;
UPDATE orgs SET published_version = version;
UPDATE projects SET published_version = version;
UPDATE keys SET published_version = version;
CREATE INDEX orgs_unpublished ON orgs (id) WHERE published_version < version;
CREATE INDEX projects_unpublished ON projects (id) WHERE published_version < version;
CREATE INDEX keys_unpublished ON keys (id) WHERE published_version < version AND kind = 'inference';
