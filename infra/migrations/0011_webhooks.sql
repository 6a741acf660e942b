-- Where an org's events are sent. `types` is a JSON list, or null for all. `secret` is `KID.SEALED` under STORE_KEYS;
-- the one before it signs too until `old_ends_at_ms`. `failing_since_ms`: every try since then has failed.
CREATE TABLE webhooks (
  id TEXT PRIMARY KEY,
  org TEXT NOT NULL REFERENCES orgs (id) ON DELETE CASCADE,
  url TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT '',
  types TEXT,
  is_enabled INTEGER NOT NULL DEFAULT 1 CHECK (is_enabled IN (0, 1)),
  secret TEXT NOT NULL,
  old_secret TEXT,
  old_ends_at_ms INTEGER,
  failing_since_ms INTEGER,
  switched_off_at_ms INTEGER,
  claimed_at_ms INTEGER NOT NULL DEFAULT 0,
  version INTEGER NOT NULL DEFAULT 1,
  created_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX webhooks_by_org ON webhooks (org, created_at_ms, id);

-- One event's way to one webhook. Whoever sends it holds `lease` until `leased_until_ms`: a sender that dies loses it,
-- and the delivery is sent again.
CREATE TABLE deliveries (
  id TEXT PRIMARY KEY,
  org TEXT NOT NULL,
  webhook TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
  event TEXT NOT NULL REFERENCES events (id) ON DELETE CASCADE,
  status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'delivered', 'failed')),
  tries INTEGER NOT NULL DEFAULT 0,
  next_try_at_ms INTEGER,
  lease TEXT,
  leased_until_ms INTEGER NOT NULL DEFAULT 0,
  tried_at_ms INTEGER,
  last_code INTEGER,
  last_error TEXT,
  last_duration_ms INTEGER,
  last_excerpt TEXT,
  created_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX deliveries_by_webhook ON deliveries (webhook, created_at_ms, id);
CREATE INDEX deliveries_by_status ON deliveries (webhook, status, created_at_ms, id);
CREATE INDEX deliveries_by_event ON deliveries (event);
CREATE INDEX deliveries_by_age ON deliveries (created_at_ms);
CREATE INDEX deliveries_due ON deliveries (webhook, next_try_at_ms) WHERE status = 'pending';
CREATE INDEX deliveries_leased ON deliveries (webhook, leased_until_ms) WHERE status = 'pending';
CREATE INDEX events_by_age ON events (at_ms);

-- Whoever writes an event, each webhook that listens gets it, in the same transaction: none is forgotten, none gets it
-- twice, and no cron looks for what is new. A test goes to the one webhook that it tests.
CREATE TRIGGER events_fan_out AFTER INSERT ON events WHEN NEW.type <> 'webhook.test' BEGIN
  INSERT INTO deliveries (id, org, webhook, event, next_try_at_ms, created_at_ms)
  SELECT 'dlv_' || hex(randomblob(11)), NEW.org, w.id, NEW.id, NEW.at_ms, NEW.at_ms FROM webhooks w
  WHERE w.org = NEW.org AND w.is_enabled = 1
    AND (w.types IS NULL OR EXISTS (SELECT 1 FROM json_each(w.types) WHERE value = NEW.type));
END;
