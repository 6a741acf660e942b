/**
 * The format of the journal's rows. 1 has no table that says so. Since 2 a hold's last checkpoint is called
 * `checkpoint` (it was `noted`), and ends have the field's names (`renameEnd`). Since 3 keys leave: a record says when,
 * and `left_keys` which version a key had that did. Since 4 every row says whose it is.
 */
export const formatVersion = 4;

const index = `
  CREATE INDEX records_by_org ON records (org);
  CREATE INDEX records_by_leave ON records (leaves_at_ms) WHERE leaves_at_ms IS NOT NULL;
  CREATE INDEX holds_by_idempotency ON holds (org, idempotency) WHERE idempotency IS NOT NULL;
`;

/** Makes the table that says in which format the journal is. */
const format = `
  CREATE TABLE format (version INTEGER NOT NULL) STRICT;
  INSERT INTO format (version) VALUES (${formatVersion});
`;

/**
 * What format 4 brings: snapshots by org, how far all of them reach and what is in D1, what has happened to leases
 * since the snapshots, and orgs that move.
 */
export const sharedTables = `
  CREATE TABLE snapshots (
    org TEXT NOT NULL,
    part INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    open_holds INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (org, part)
  ) STRICT;
  CREATE TABLE progress (compacted INTEGER NOT NULL, drained INTEGER NOT NULL) STRICT;
  INSERT INTO progress (compacted, drained) VALUES (0, 0);
  CREATE TABLE leases (seq INTEGER PRIMARY KEY, org TEXT NOT NULL, change TEXT NOT NULL) STRICT;
  CREATE TABLE moves (org TEXT PRIMARY KEY, step TEXT NOT NULL) STRICT, WITHOUT ROWID;
  ${index}
`;

/** Makes the table of keys that have left. */
const leftKeys = `
  CREATE TABLE left_keys (id TEXT PRIMARY KEY, version INTEGER NOT NULL, org TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

/**
 * All tables. `holds` is the journal, the store of holds and the outbox at once. A row is written when a call is
 * admitted (`seq`) and again when it ends (`end_seq`, numbered from the same series); a correction is a row of its own.
 * An org's state = its snapshot + all of its rows, of holds and leases, that are numbered after it; no row up to
 * `compacted` is after any. Rows up to `drained` are in D1.
 */
export const schema = `
  CREATE TABLE records (
    id TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    leaves_at_ms INTEGER,
    org TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  ${leftKeys}
  CREATE TABLE holds (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    idempotency TEXT,
    hold TEXT NOT NULL,
    end_seq INTEGER,
    "end" TEXT,
    ended_at_ms INTEGER,
    closing TEXT,
    org TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX holds_by_end ON holds (end_seq) WHERE end_seq IS NOT NULL;
  ${sharedTables}
  ${format}
`;

/** Whether the object has tables: a new one writes nothing until something is published to it. */
export function hasTables(sql: SqlStorage): boolean {
  return sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'holds'").toArray().length > 0;
}
