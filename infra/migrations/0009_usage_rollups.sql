-- How long after its call had come to the node the first token was there; null where nobody told.
ALTER TABLE usage ADD COLUMN ttft_ms INTEGER;

-- What an org has used, by the UTC hour and by the UTC day in which its calls were admitted. The database keeps both:
-- a row of the bill that was there already fires nothing, so they are exact however often rows are sent. '' is no
-- project, and nobody. What comes late adds its amounts and no call. `duration_N` and `ttft_N` count the calls in each
-- bucket of edge/control/usage/latency.ts; how long a call took that expired nobody knows.
CREATE TABLE usage_hourly (
  org TEXT NOT NULL,
  hour INTEGER NOT NULL,
  project TEXT NOT NULL,
  key TEXT NOT NULL,
  member TEXT NOT NULL,
  model TEXT NOT NULL,
  tier TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  outcome TEXT NOT NULL,
  calls INTEGER NOT NULL, prompt_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL,
  completion_tokens INTEGER NOT NULL, units INTEGER NOT NULL, cost_micros INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL, ttft_ms INTEGER NOT NULL,
  duration_0 INTEGER NOT NULL, duration_1 INTEGER NOT NULL, duration_2 INTEGER NOT NULL,
  duration_3 INTEGER NOT NULL, duration_4 INTEGER NOT NULL, duration_5 INTEGER NOT NULL,
  duration_6 INTEGER NOT NULL, duration_7 INTEGER NOT NULL, duration_8 INTEGER NOT NULL,
  duration_9 INTEGER NOT NULL, duration_10 INTEGER NOT NULL, duration_11 INTEGER NOT NULL,
  duration_12 INTEGER NOT NULL, duration_13 INTEGER NOT NULL, duration_14 INTEGER NOT NULL,
  duration_15 INTEGER NOT NULL, duration_16 INTEGER NOT NULL, duration_17 INTEGER NOT NULL,
  duration_18 INTEGER NOT NULL, duration_19 INTEGER NOT NULL, duration_20 INTEGER NOT NULL,
  duration_21 INTEGER NOT NULL, duration_22 INTEGER NOT NULL, duration_23 INTEGER NOT NULL,
  duration_24 INTEGER NOT NULL, duration_25 INTEGER NOT NULL, duration_26 INTEGER NOT NULL,
  duration_27 INTEGER NOT NULL, duration_28 INTEGER NOT NULL, duration_29 INTEGER NOT NULL,
  duration_30 INTEGER NOT NULL, ttft_0 INTEGER NOT NULL, ttft_1 INTEGER NOT NULL, ttft_2 INTEGER NOT NULL,
  ttft_3 INTEGER NOT NULL, ttft_4 INTEGER NOT NULL, ttft_5 INTEGER NOT NULL, ttft_6 INTEGER NOT NULL,
  ttft_7 INTEGER NOT NULL, ttft_8 INTEGER NOT NULL, ttft_9 INTEGER NOT NULL, ttft_10 INTEGER NOT NULL,
  ttft_11 INTEGER NOT NULL, ttft_12 INTEGER NOT NULL, ttft_13 INTEGER NOT NULL, ttft_14 INTEGER NOT NULL,
  ttft_15 INTEGER NOT NULL, ttft_16 INTEGER NOT NULL, ttft_17 INTEGER NOT NULL, ttft_18 INTEGER NOT NULL,
  ttft_19 INTEGER NOT NULL, ttft_20 INTEGER NOT NULL, ttft_21 INTEGER NOT NULL, ttft_22 INTEGER NOT NULL,
  ttft_23 INTEGER NOT NULL, ttft_24 INTEGER NOT NULL, ttft_25 INTEGER NOT NULL, ttft_26 INTEGER NOT NULL,
  ttft_27 INTEGER NOT NULL, ttft_28 INTEGER NOT NULL, ttft_29 INTEGER NOT NULL, ttft_30 INTEGER NOT NULL,
  PRIMARY KEY (org, hour, project, key, member, model, tier, endpoint, outcome)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage_daily (
  org TEXT NOT NULL,
  day INTEGER NOT NULL,
  project TEXT NOT NULL,
  key TEXT NOT NULL,
  member TEXT NOT NULL,
  model TEXT NOT NULL,
  tier TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  outcome TEXT NOT NULL,
  calls INTEGER NOT NULL, prompt_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL,
  completion_tokens INTEGER NOT NULL, units INTEGER NOT NULL, cost_micros INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL, ttft_ms INTEGER NOT NULL,
  duration_0 INTEGER NOT NULL, duration_1 INTEGER NOT NULL, duration_2 INTEGER NOT NULL,
  duration_3 INTEGER NOT NULL, duration_4 INTEGER NOT NULL, duration_5 INTEGER NOT NULL,
  duration_6 INTEGER NOT NULL, duration_7 INTEGER NOT NULL, duration_8 INTEGER NOT NULL,
  duration_9 INTEGER NOT NULL, duration_10 INTEGER NOT NULL, duration_11 INTEGER NOT NULL,
  duration_12 INTEGER NOT NULL, duration_13 INTEGER NOT NULL, duration_14 INTEGER NOT NULL,
  duration_15 INTEGER NOT NULL, duration_16 INTEGER NOT NULL, duration_17 INTEGER NOT NULL,
  duration_18 INTEGER NOT NULL, duration_19 INTEGER NOT NULL, duration_20 INTEGER NOT NULL,
  duration_21 INTEGER NOT NULL, duration_22 INTEGER NOT NULL, duration_23 INTEGER NOT NULL,
  duration_24 INTEGER NOT NULL, duration_25 INTEGER NOT NULL, duration_26 INTEGER NOT NULL,
  duration_27 INTEGER NOT NULL, duration_28 INTEGER NOT NULL, duration_29 INTEGER NOT NULL,
  duration_30 INTEGER NOT NULL, ttft_0 INTEGER NOT NULL, ttft_1 INTEGER NOT NULL, ttft_2 INTEGER NOT NULL,
  ttft_3 INTEGER NOT NULL, ttft_4 INTEGER NOT NULL, ttft_5 INTEGER NOT NULL, ttft_6 INTEGER NOT NULL,
  ttft_7 INTEGER NOT NULL, ttft_8 INTEGER NOT NULL, ttft_9 INTEGER NOT NULL, ttft_10 INTEGER NOT NULL,
  ttft_11 INTEGER NOT NULL, ttft_12 INTEGER NOT NULL, ttft_13 INTEGER NOT NULL, ttft_14 INTEGER NOT NULL,
  ttft_15 INTEGER NOT NULL, ttft_16 INTEGER NOT NULL, ttft_17 INTEGER NOT NULL, ttft_18 INTEGER NOT NULL,
  ttft_19 INTEGER NOT NULL, ttft_20 INTEGER NOT NULL, ttft_21 INTEGER NOT NULL, ttft_22 INTEGER NOT NULL,
  ttft_23 INTEGER NOT NULL, ttft_24 INTEGER NOT NULL, ttft_25 INTEGER NOT NULL, ttft_26 INTEGER NOT NULL,
  ttft_27 INTEGER NOT NULL, ttft_28 INTEGER NOT NULL, ttft_29 INTEGER NOT NULL, ttft_30 INTEGER NOT NULL,
  PRIMARY KEY (org, day, project, key, member, model, tier, endpoint, outcome)
) STRICT, WITHOUT ROWID;

-- What each line of the bill adds to both.
CREATE VIEW usage_amounts AS
  SELECT line, org, admitted_at_ms, project, key, member, model, tier, endpoint, outcome,
    calls, prompt_tokens, cached_tokens, completion_tokens, units, cost_micros, coalesce(took, 0) AS duration_ms,
    coalesce(ttft, 0) AS ttft_ms,
    coalesce(took < 10, 0) AS duration_0, coalesce(took >= 10 AND took < 15, 0) AS duration_1,
    coalesce(took >= 15 AND took < 22, 0) AS duration_2, coalesce(took >= 22 AND took < 33, 0) AS duration_3,
    coalesce(took >= 33 AND took < 47, 0) AS duration_4, coalesce(took >= 47 AND took < 68, 0) AS duration_5,
    coalesce(took >= 68 AND took < 100, 0) AS duration_6, coalesce(took >= 100 AND took < 150, 0) AS duration_7,
    coalesce(took >= 150 AND took < 220, 0) AS duration_8, coalesce(took >= 220 AND took < 330, 0) AS duration_9,
    coalesce(took >= 330 AND took < 470, 0) AS duration_10, coalesce(took >= 470 AND took < 680, 0) AS duration_11,
    coalesce(took >= 680 AND took < 1000, 0) AS duration_12,
    coalesce(took >= 1000 AND took < 1500, 0) AS duration_13,
    coalesce(took >= 1500 AND took < 2200, 0) AS duration_14,
    coalesce(took >= 2200 AND took < 3300, 0) AS duration_15,
    coalesce(took >= 3300 AND took < 4700, 0) AS duration_16,
    coalesce(took >= 4700 AND took < 6800, 0) AS duration_17,
    coalesce(took >= 6800 AND took < 10000, 0) AS duration_18,
    coalesce(took >= 10000 AND took < 15000, 0) AS duration_19,
    coalesce(took >= 15000 AND took < 22000, 0) AS duration_20,
    coalesce(took >= 22000 AND took < 33000, 0) AS duration_21,
    coalesce(took >= 33000 AND took < 47000, 0) AS duration_22,
    coalesce(took >= 47000 AND took < 68000, 0) AS duration_23,
    coalesce(took >= 68000 AND took < 100000, 0) AS duration_24,
    coalesce(took >= 100000 AND took < 150000, 0) AS duration_25,
    coalesce(took >= 150000 AND took < 220000, 0) AS duration_26,
    coalesce(took >= 220000 AND took < 330000, 0) AS duration_27,
    coalesce(took >= 330000 AND took < 470000, 0) AS duration_28,
    coalesce(took >= 470000 AND took < 680000, 0) AS duration_29, coalesce(took >= 680000, 0) AS duration_30,
    coalesce(ttft < 10, 0) AS ttft_0, coalesce(ttft >= 10 AND ttft < 15, 0) AS ttft_1,
    coalesce(ttft >= 15 AND ttft < 22, 0) AS ttft_2, coalesce(ttft >= 22 AND ttft < 33, 0) AS ttft_3,
    coalesce(ttft >= 33 AND ttft < 47, 0) AS ttft_4, coalesce(ttft >= 47 AND ttft < 68, 0) AS ttft_5,
    coalesce(ttft >= 68 AND ttft < 100, 0) AS ttft_6, coalesce(ttft >= 100 AND ttft < 150, 0) AS ttft_7,
    coalesce(ttft >= 150 AND ttft < 220, 0) AS ttft_8, coalesce(ttft >= 220 AND ttft < 330, 0) AS ttft_9,
    coalesce(ttft >= 330 AND ttft < 470, 0) AS ttft_10, coalesce(ttft >= 470 AND ttft < 680, 0) AS ttft_11,
    coalesce(ttft >= 680 AND ttft < 1000, 0) AS ttft_12, coalesce(ttft >= 1000 AND ttft < 1500, 0) AS ttft_13,
    coalesce(ttft >= 1500 AND ttft < 2200, 0) AS ttft_14, coalesce(ttft >= 2200 AND ttft < 3300, 0) AS ttft_15,
    coalesce(ttft >= 3300 AND ttft < 4700, 0) AS ttft_16, coalesce(ttft >= 4700 AND ttft < 6800, 0) AS ttft_17,
    coalesce(ttft >= 6800 AND ttft < 10000, 0) AS ttft_18, coalesce(ttft >= 10000 AND ttft < 15000, 0) AS ttft_19,
    coalesce(ttft >= 15000 AND ttft < 22000, 0) AS ttft_20, coalesce(ttft >= 22000 AND ttft < 33000, 0) AS ttft_21,
    coalesce(ttft >= 33000 AND ttft < 47000, 0) AS ttft_22, coalesce(ttft >= 47000 AND ttft < 68000, 0) AS ttft_23,
    coalesce(ttft >= 68000 AND ttft < 100000, 0) AS ttft_24,
    coalesce(ttft >= 100000 AND ttft < 150000, 0) AS ttft_25,
    coalesce(ttft >= 150000 AND ttft < 220000, 0) AS ttft_26,
    coalesce(ttft >= 220000 AND ttft < 330000, 0) AS ttft_27,
    coalesce(ttft >= 330000 AND ttft < 470000, 0) AS ttft_28,
    coalesce(ttft >= 470000 AND ttft < 680000, 0) AS ttft_29, coalesce(ttft >= 680000, 0) AS ttft_30
  FROM (
    SELECT u.rowid AS line, u.org, u.admitted_at_ms, coalesce(k.project, '') AS project, u.key,
      coalesce(k.owner, '') AS member, u.model, u.tier, u.endpoint, u."end" AS outcome, u.id = u.hold AS calls,
      u.prompt_tokens, u.cached_tokens, u.completion_tokens, u.units, u.cost_micros,
      iif(u.id = u.hold AND u."end" <> 'expired', u.ended_at_ms - u.admitted_at_ms, NULL) AS took,
      iif(u.id = u.hold, u.ttft_ms, NULL) AS ttft
    FROM usage AS u LEFT JOIN keys AS k ON k.id = u.key
  );

-- Whatever is put into the view is added up.
CREATE TRIGGER usage_added_up INSTEAD OF INSERT ON usage_amounts BEGIN
  INSERT INTO usage_hourly VALUES (
    NEW.org, NEW.admitted_at_ms - NEW.admitted_at_ms % 3600000, NEW.project, NEW.key, NEW.member, NEW.model,
    NEW.tier, NEW.endpoint, NEW.outcome, NEW.calls, NEW.prompt_tokens, NEW.cached_tokens, NEW.completion_tokens,
    NEW.units, NEW.cost_micros, NEW.duration_ms, NEW.ttft_ms, NEW.duration_0, NEW.duration_1, NEW.duration_2,
    NEW.duration_3, NEW.duration_4, NEW.duration_5, NEW.duration_6, NEW.duration_7, NEW.duration_8, NEW.duration_9,
    NEW.duration_10, NEW.duration_11, NEW.duration_12, NEW.duration_13, NEW.duration_14, NEW.duration_15,
    NEW.duration_16, NEW.duration_17, NEW.duration_18, NEW.duration_19, NEW.duration_20, NEW.duration_21,
    NEW.duration_22, NEW.duration_23, NEW.duration_24, NEW.duration_25, NEW.duration_26, NEW.duration_27,
    NEW.duration_28, NEW.duration_29, NEW.duration_30, NEW.ttft_0, NEW.ttft_1, NEW.ttft_2, NEW.ttft_3, NEW.ttft_4,
    NEW.ttft_5, NEW.ttft_6, NEW.ttft_7, NEW.ttft_8, NEW.ttft_9, NEW.ttft_10, NEW.ttft_11, NEW.ttft_12, NEW.ttft_13,
    NEW.ttft_14, NEW.ttft_15, NEW.ttft_16, NEW.ttft_17, NEW.ttft_18, NEW.ttft_19, NEW.ttft_20, NEW.ttft_21,
    NEW.ttft_22, NEW.ttft_23, NEW.ttft_24, NEW.ttft_25, NEW.ttft_26, NEW.ttft_27, NEW.ttft_28, NEW.ttft_29,
    NEW.ttft_30
  ) ON CONFLICT (org, hour, project, key, member, model, tier, endpoint, outcome) DO UPDATE SET
    calls = calls + excluded.calls, prompt_tokens = prompt_tokens + excluded.prompt_tokens,
    cached_tokens = cached_tokens + excluded.cached_tokens,
    completion_tokens = completion_tokens + excluded.completion_tokens, units = units + excluded.units,
    cost_micros = cost_micros + excluded.cost_micros, duration_ms = duration_ms + excluded.duration_ms,
    ttft_ms = ttft_ms + excluded.ttft_ms, duration_0 = duration_0 + excluded.duration_0,
    duration_1 = duration_1 + excluded.duration_1, duration_2 = duration_2 + excluded.duration_2,
    duration_3 = duration_3 + excluded.duration_3, duration_4 = duration_4 + excluded.duration_4,
    duration_5 = duration_5 + excluded.duration_5, duration_6 = duration_6 + excluded.duration_6,
    duration_7 = duration_7 + excluded.duration_7, duration_8 = duration_8 + excluded.duration_8,
    duration_9 = duration_9 + excluded.duration_9, duration_10 = duration_10 + excluded.duration_10,
    duration_11 = duration_11 + excluded.duration_11, duration_12 = duration_12 + excluded.duration_12,
    duration_13 = duration_13 + excluded.duration_13, duration_14 = duration_14 + excluded.duration_14,
    duration_15 = duration_15 + excluded.duration_15, duration_16 = duration_16 + excluded.duration_16,
    duration_17 = duration_17 + excluded.duration_17, duration_18 = duration_18 + excluded.duration_18,
    duration_19 = duration_19 + excluded.duration_19, duration_20 = duration_20 + excluded.duration_20,
    duration_21 = duration_21 + excluded.duration_21, duration_22 = duration_22 + excluded.duration_22,
    duration_23 = duration_23 + excluded.duration_23, duration_24 = duration_24 + excluded.duration_24,
    duration_25 = duration_25 + excluded.duration_25, duration_26 = duration_26 + excluded.duration_26,
    duration_27 = duration_27 + excluded.duration_27, duration_28 = duration_28 + excluded.duration_28,
    duration_29 = duration_29 + excluded.duration_29, duration_30 = duration_30 + excluded.duration_30,
    ttft_0 = ttft_0 + excluded.ttft_0, ttft_1 = ttft_1 + excluded.ttft_1, ttft_2 = ttft_2 + excluded.ttft_2,
    ttft_3 = ttft_3 + excluded.ttft_3, ttft_4 = ttft_4 + excluded.ttft_4, ttft_5 = ttft_5 + excluded.ttft_5,
    ttft_6 = ttft_6 + excluded.ttft_6, ttft_7 = ttft_7 + excluded.ttft_7, ttft_8 = ttft_8 + excluded.ttft_8,
    ttft_9 = ttft_9 + excluded.ttft_9, ttft_10 = ttft_10 + excluded.ttft_10, ttft_11 = ttft_11 + excluded.ttft_11,
    ttft_12 = ttft_12 + excluded.ttft_12, ttft_13 = ttft_13 + excluded.ttft_13, ttft_14 = ttft_14 + excluded.ttft_14,
    ttft_15 = ttft_15 + excluded.ttft_15, ttft_16 = ttft_16 + excluded.ttft_16, ttft_17 = ttft_17 + excluded.ttft_17,
    ttft_18 = ttft_18 + excluded.ttft_18, ttft_19 = ttft_19 + excluded.ttft_19, ttft_20 = ttft_20 + excluded.ttft_20,
    ttft_21 = ttft_21 + excluded.ttft_21, ttft_22 = ttft_22 + excluded.ttft_22, ttft_23 = ttft_23 + excluded.ttft_23,
    ttft_24 = ttft_24 + excluded.ttft_24, ttft_25 = ttft_25 + excluded.ttft_25, ttft_26 = ttft_26 + excluded.ttft_26,
    ttft_27 = ttft_27 + excluded.ttft_27, ttft_28 = ttft_28 + excluded.ttft_28, ttft_29 = ttft_29 + excluded.ttft_29,
    ttft_30 = ttft_30 + excluded.ttft_30;
  INSERT INTO usage_daily VALUES (
    NEW.org, NEW.admitted_at_ms - NEW.admitted_at_ms % 86400000, NEW.project, NEW.key, NEW.member, NEW.model,
    NEW.tier, NEW.endpoint, NEW.outcome, NEW.calls, NEW.prompt_tokens, NEW.cached_tokens, NEW.completion_tokens,
    NEW.units, NEW.cost_micros, NEW.duration_ms, NEW.ttft_ms, NEW.duration_0, NEW.duration_1, NEW.duration_2,
    NEW.duration_3, NEW.duration_4, NEW.duration_5, NEW.duration_6, NEW.duration_7, NEW.duration_8, NEW.duration_9,
    NEW.duration_10, NEW.duration_11, NEW.duration_12, NEW.duration_13, NEW.duration_14, NEW.duration_15,
    NEW.duration_16, NEW.duration_17, NEW.duration_18, NEW.duration_19, NEW.duration_20, NEW.duration_21,
    NEW.duration_22, NEW.duration_23, NEW.duration_24, NEW.duration_25, NEW.duration_26, NEW.duration_27,
    NEW.duration_28, NEW.duration_29, NEW.duration_30, NEW.ttft_0, NEW.ttft_1, NEW.ttft_2, NEW.ttft_3, NEW.ttft_4,
    NEW.ttft_5, NEW.ttft_6, NEW.ttft_7, NEW.ttft_8, NEW.ttft_9, NEW.ttft_10, NEW.ttft_11, NEW.ttft_12, NEW.ttft_13,
    NEW.ttft_14, NEW.ttft_15, NEW.ttft_16, NEW.ttft_17, NEW.ttft_18, NEW.ttft_19, NEW.ttft_20, NEW.ttft_21,
    NEW.ttft_22, NEW.ttft_23, NEW.ttft_24, NEW.ttft_25, NEW.ttft_26, NEW.ttft_27, NEW.ttft_28, NEW.ttft_29,
    NEW.ttft_30
  ) ON CONFLICT (org, day, project, key, member, model, tier, endpoint, outcome) DO UPDATE SET
    calls = calls + excluded.calls, prompt_tokens = prompt_tokens + excluded.prompt_tokens,
    cached_tokens = cached_tokens + excluded.cached_tokens,
    completion_tokens = completion_tokens + excluded.completion_tokens, units = units + excluded.units,
    cost_micros = cost_micros + excluded.cost_micros, duration_ms = duration_ms + excluded.duration_ms,
    ttft_ms = ttft_ms + excluded.ttft_ms, duration_0 = duration_0 + excluded.duration_0,
    duration_1 = duration_1 + excluded.duration_1, duration_2 = duration_2 + excluded.duration_2,
    duration_3 = duration_3 + excluded.duration_3, duration_4 = duration_4 + excluded.duration_4,
    duration_5 = duration_5 + excluded.duration_5, duration_6 = duration_6 + excluded.duration_6,
    duration_7 = duration_7 + excluded.duration_7, duration_8 = duration_8 + excluded.duration_8,
    duration_9 = duration_9 + excluded.duration_9, duration_10 = duration_10 + excluded.duration_10,
    duration_11 = duration_11 + excluded.duration_11, duration_12 = duration_12 + excluded.duration_12,
    duration_13 = duration_13 + excluded.duration_13, duration_14 = duration_14 + excluded.duration_14,
    duration_15 = duration_15 + excluded.duration_15, duration_16 = duration_16 + excluded.duration_16,
    duration_17 = duration_17 + excluded.duration_17, duration_18 = duration_18 + excluded.duration_18,
    duration_19 = duration_19 + excluded.duration_19, duration_20 = duration_20 + excluded.duration_20,
    duration_21 = duration_21 + excluded.duration_21, duration_22 = duration_22 + excluded.duration_22,
    duration_23 = duration_23 + excluded.duration_23, duration_24 = duration_24 + excluded.duration_24,
    duration_25 = duration_25 + excluded.duration_25, duration_26 = duration_26 + excluded.duration_26,
    duration_27 = duration_27 + excluded.duration_27, duration_28 = duration_28 + excluded.duration_28,
    duration_29 = duration_29 + excluded.duration_29, duration_30 = duration_30 + excluded.duration_30,
    ttft_0 = ttft_0 + excluded.ttft_0, ttft_1 = ttft_1 + excluded.ttft_1, ttft_2 = ttft_2 + excluded.ttft_2,
    ttft_3 = ttft_3 + excluded.ttft_3, ttft_4 = ttft_4 + excluded.ttft_4, ttft_5 = ttft_5 + excluded.ttft_5,
    ttft_6 = ttft_6 + excluded.ttft_6, ttft_7 = ttft_7 + excluded.ttft_7, ttft_8 = ttft_8 + excluded.ttft_8,
    ttft_9 = ttft_9 + excluded.ttft_9, ttft_10 = ttft_10 + excluded.ttft_10, ttft_11 = ttft_11 + excluded.ttft_11,
    ttft_12 = ttft_12 + excluded.ttft_12, ttft_13 = ttft_13 + excluded.ttft_13, ttft_14 = ttft_14 + excluded.ttft_14,
    ttft_15 = ttft_15 + excluded.ttft_15, ttft_16 = ttft_16 + excluded.ttft_16, ttft_17 = ttft_17 + excluded.ttft_17,
    ttft_18 = ttft_18 + excluded.ttft_18, ttft_19 = ttft_19 + excluded.ttft_19, ttft_20 = ttft_20 + excluded.ttft_20,
    ttft_21 = ttft_21 + excluded.ttft_21, ttft_22 = ttft_22 + excluded.ttft_22, ttft_23 = ttft_23 + excluded.ttft_23,
    ttft_24 = ttft_24 + excluded.ttft_24, ttft_25 = ttft_25 + excluded.ttft_25, ttft_26 = ttft_26 + excluded.ttft_26,
    ttft_27 = ttft_27 + excluded.ttft_27, ttft_28 = ttft_28 + excluded.ttft_28, ttft_29 = ttft_29 + excluded.ttft_29,
    ttft_30 = ttft_30 + excluded.ttft_30;
END;

-- Lines that were on the bill before: those up to `up_to`, by rowid, are added up nowhere yet. The cron moves it down to
-- 0, some lines a step, so that a migration takes no longer for a large table. A step moves it and adds up what it
-- passed in one transaction: no line counts twice, however often a step is repeated.
CREATE TABLE usage_backlog (only INTEGER PRIMARY KEY CHECK (only = 1), up_to INTEGER NOT NULL) STRICT;
INSERT INTO usage_backlog SELECT 1, coalesce(max(rowid), 0) FROM usage;

CREATE TRIGGER usage_rolled_up AFTER INSERT ON usage BEGIN
  INSERT INTO usage_amounts SELECT * FROM usage_amounts WHERE line = NEW.rowid;
END;
CREATE TRIGGER backlog_rolled_up AFTER UPDATE ON usage_backlog BEGIN
  INSERT INTO usage_amounts SELECT * FROM usage_amounts WHERE line > NEW.up_to AND line <= OLD.up_to;
END;
