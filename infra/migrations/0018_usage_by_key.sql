-- A key's calls are listed as fast as an org's, however few of the org's they are. Of a million lines that there are it
-- takes two to three seconds.
CREATE INDEX usage_by_key ON usage (org, key, admitted_at_ms, id);
