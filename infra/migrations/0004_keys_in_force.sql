-- How many keys of an org are in force is counted whenever one joins them, however many have ended.
CREATE INDEX keys_in_force ON keys (org, expires_at_ms) WHERE revoked_at_ms IS NULL;
