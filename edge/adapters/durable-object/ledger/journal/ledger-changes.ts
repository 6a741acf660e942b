import type { OrgId } from "../../../../agreements/tokens/ids.ts";
import { listNames } from "../../../../agreements/names.ts";
import type { Change, LeaseChange } from "../../../../ledger/state.ts";

/** A change with the org whose it is, and its number in the journal. */
export interface NumberedChange {
  org: OrgId;
  seq: number;
  change: Change;
}

/** A correction is a row beside its hold's. */
export function makeLateId(hold: string): string {
  return `${hold}:late`;
}

const setEnd = `end_seq = each.seq, "end" = each."end", ended_at_ms = each.at_ms, closing = each.closing,
  idempotency = CASE WHEN each."end" = 'released' THEN NULL ELSE holds.idempotency END`;
const columns = ["id", "org", "seq", "hold", "idempotency", "end", "at_ms", "closing"] as const;
const each = `SELECT ${columns.map((name, at) => `value ->> ${at} AS "${name}"`).join(", ")} FROM json_each(?)`;

const insertHeld = `INSERT INTO holds (org, seq, id, idempotency, hold)
  SELECT org, seq, id, idempotency, hold FROM (${each}) AS each`;
/** A lease's own changes are rows of another table; the hold of a call under it is a hold as any other. */
const insertLeased = `INSERT INTO leases (org, seq, change) SELECT org, seq, hold FROM (${each}) AS each`;

/**
 * What stores all changes of a kind, however many, in one statement. Kinds are written in this order: a hold may begin
 * and end in one batch.
 */
const statements: Record<Change["kind"], string> = {
  held: insertHeld,
  opened: insertHeld,
  checkpointed: `UPDATE holds SET hold = each.hold FROM (${each}) AS each WHERE holds.id = each.id`,
  closed: `UPDATE holds SET ${setEnd} FROM (${each}) AS each WHERE holds.id = each.id`,
  late: `INSERT INTO holds (org, seq, id, hold, end_seq, "end", ended_at_ms, closing)
    SELECT org, seq, id, hold, seq, "end", at_ms, closing FROM (${each}) AS each`,
  leased: insertLeased,
  returned: insertLeased,
  swept: insertLeased,
};

/** The kinds of changes, in the order in which they are written. */
export const changeKinds = listNames(statements);

/**
 * Writes changes of one kind by one statement, all or none: throws on an id that was given before. The bodies of a
 * closing's hold are not written again.
 */
export function writeKind(sql: SqlStorage, kind: Change["kind"], changes: NumberedChange[]): void {
  sql.exec(statements[kind], JSON.stringify(changes.map(toRow)));
}

function toRow({ org, seq, change }: NumberedChange): (string | number | null)[] {
  if (isOfLease(change)) return ["", org, seq, JSON.stringify(change), null, null, null, null];
  const { hold } = change;
  const closing = "closing" in change ? change.closing : null;
  return [
    change.kind === "late" ? makeLateId(hold.id) : hold.id,
    org,
    seq,
    change.kind === "closed" ? null : JSON.stringify(hold),
    change.kind === "held" ? (hold.idempotency?.key ?? null) : null,
    closing && closing.end,
    closing && closing.atMs,
    closing && JSON.stringify(closing),
  ];
}

/** A call under a lease of which the ledger hears only when it ends: one row, written once. */
export interface FoldedCall {
  opened: NumberedChange;
  closed: NumberedChange;
}

const endedColumns = ["org", "seq", "id", "hold", "end_seq", '"end"', "ended_at_ms", "closing"];

/** Takes out of the changes what begins and ends in them; the rest stays in its order. */
export function foldEnded(changes: NumberedChange[]): { ended: FoldedCall[]; rest: NumberedChange[] } {
  const opened = new Map<string, NumberedChange>();
  for (const each of changes) if (each.change.kind === "opened") opened.set(each.change.hold.id, each);
  const ended: FoldedCall[] = [];
  for (const closed of changes) {
    const beginning = closed.change.kind === "closed" ? opened.get(closed.change.hold.id) : undefined;
    if (beginning) ended.push({ opened: beginning, closed });
  }
  const folded = new Set(ended.flatMap((each) => [each.opened, each.closed]));
  return { ended, rest: changes.filter((each) => !folded.has(each)) };
}

/** Writes calls that have begun and ended, by one statement, all or none: throws on an id that was given before. */
export function writeEnded(sql: SqlStorage, ended: FoldedCall[]): void {
  const values = endedColumns.map((_, at) => `value ->> ${at}`).join(", ");
  const insert = `INSERT INTO holds (${endedColumns.join(", ")}) SELECT ${values} FROM json_each(?)`;
  const rows = ended.map(({ opened, closed }) => {
    const [id, org, seq, hold] = toRow(opened);
    const [, , endSeq, , , end, atMs, closing] = toRow(closed);
    return [org, seq, id, hold, endSeq, end, atMs, closing];
  });
  sql.exec(insert, JSON.stringify(rows));
}

/** Whether it changes a lease and no hold. */
function isOfLease(change: Change): change is Exclude<LeaseChange, { kind: "opened" }> {
  return !("hold" in change);
}

/** Writes one change, without the detour through a list. */
export function writeOne(sql: SqlStorage, { org, seq, change }: NumberedChange): void {
  if (isOfLease(change)) {
    sql.exec("INSERT INTO leases (org, seq, change) VALUES (?, ?, ?)", org, seq, JSON.stringify(change));
    return;
  }
  const { hold } = change;
  if (change.kind === "checkpointed") {
    sql.exec("UPDATE holds SET hold = ? WHERE id = ?", JSON.stringify(hold), hold.id);
    return;
  }
  if (change.kind === "held" || change.kind === "opened") {
    const insert = "INSERT INTO holds (org, seq, id, idempotency, hold) VALUES (?, ?, ?, ?, ?)";
    sql.exec(insert, org, seq, hold.id, hold.idempotency?.key ?? null, JSON.stringify(hold));
    return;
  }
  const { closing } = change;
  if (change.kind === "closed") {
    const forget = closing.end === "released" ? ", idempotency = NULL" : "";
    const update = `UPDATE holds SET end_seq = ?, "end" = ?, ended_at_ms = ?, closing = ?${forget} WHERE id = ?`;
    sql.exec(update, seq, closing.end, closing.atMs, JSON.stringify(closing), hold.id);
    return;
  }
  writeKind(sql, "late", [{ org, seq, change }]);
}
