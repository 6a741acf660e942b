import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { OrgId } from "../../agreements/tokens/ids.ts";
import { mintControlId } from "../../agreements/tokens/ids.ts";
import type { Visit } from "../../visit.ts";
import type { EventDraft } from "../events/types.ts";
import type { ControlEnv, Principal } from "../http/port.ts";
import type { Database, Statement } from "../http/store.ts";
import { auditStart, hashEntry, type AuditActor, type AuditFacts, type AuditMark } from "./entry.ts";
import { findAuditHead, insertEntry, insertEvent } from "./queries.ts";
import { winRace } from "./races.ts";

/**
 * A change, and what the audit log says of it. `change` is one statement that returns a row when it took place and
 * none when it did not. What `also` gives runs in the same batch, and must ask `wasAudited` itself. An `event` is
 * written with it.
 */
export interface AuditedChange {
  org: OrgId;
  action: string;
  target: string;
  before: AuditFacts | null;
  after: AuditFacts | null;
  change: Statement;
  also?: (mark: AuditMark) => Statement[];
  event?: EventDraft | undefined;
}

/** What writing an entry needs of the world: for changes that no request asked for, too. */
export interface AuditWriter {
  db: Database;
  actor: AuditActor;
  visit: Pick<Visit, "id" | "now" | "random">;
}

/** What a batch answers: of the first statement, whose rows are wanted, and of those behind it. */
const Ran = z.tuple([z.object({ results: z.array(z.unknown()) })], z.unknown());
const headTaken = /UNIQUE constraint failed: audit\.org, audit\.seq/;

/**
 * Makes a change and writes its entry, and its event, in one batch: all of it or nothing (S13). Returns the rows that
 * the change returned; none when it did not take place, and then nothing was written. When another change to the org
 * came first, the entry is chained anew. Refused with 503 when the store is out of reach.
 */
export async function commitAudited({ db, actor, visit }: AuditWriter, planned: AuditedChange): Promise<unknown[]> {
  const { org, action, target, change, also, event } = planned;
  const [before, after] = [planned.before, planned.after].map((facts) => facts && JSON.stringify(facts));
  return winRace(`the log of ${org}`, async () => {
    const head = await findAuditHead(db, org);
    const seq = (head?.seq ?? 0) + 1;
    const nowMs = visit.now();
    // Clocks differ from isolate to isolate; the log is in the order of its times all the same.
    const atMs = Math.max(nowMs, head?.atMs ?? 0);
    const prev = head?.hash ?? auditStart;
    const about = { org, seq, atMs, actor, action, target, before: before ?? null, after: after ?? null };
    const entry = { ...about, request: visit.id, prev };
    const hash = hashEntry(entry);
    const mark = { org, seq, hash };
    const id = mintControlId("event", (bytes) => visit.random(bytes));
    const heard = event && { id, org, type: event.type, atMs: nowMs, body: JSON.stringify(event.body) };
    const statements = [
      change,
      insertEntry(db, entry, hash),
      ...(heard ? [insertEvent(db, heard, mark)] : []),
      ...(also?.(mark) ?? []),
    ];
    try {
      const [changed] = Ran.parse(await db.batch(statements));
      return changed.results;
    } catch (cause) {
      if (!(cause instanceof Error && headTaken.test(cause.message))) throw cause;
      return undefined;
    }
  });
}

/** `commitAudited`, by whoever makes the request; logs what has changed, by ids alone. Events go behind the answer. */
export async function commitChange(c: Context<ControlEnv>, planned: AuditedChange): Promise<unknown[]> {
  const { visit, control, principal } = c.var;
  const rows = await commitAudited({ db: control.db, actor: nameActor(c, principal), visit }, planned);
  const { action: change, org, target } = planned;
  if (rows.length > 0) visit.log("control_changed", { change, by: principal.id, org, target });
  if (rows.length > 0 && planned.event) visit.afterwards(control.deliverer.nudge(org));
  return rows;
}

const ipCharsMax = 45;

/** Of a request's context what its address is read from: any route's has it. */
interface AddressedContext {
  req: { header(name: string): string | undefined };
  var: { control: { ipHeader: string | null } };
}

/** Whom the audit names for a request: operators as such, however they have come. */
export function nameActor(c: Context<ControlEnv>, { kind, id, name, isOperator }: Principal): AuditActor {
  return { kind: isOperator ? "operator" : kind, id, name, ip: readAddress(c) };
}

/** The caller's address, as the header tells that the deployment believes. */
export function readAddress(c: AddressedContext): string | null {
  const { ipHeader } = c.var.control;
  const address = ipHeader === null ? undefined : c.req.header(ipHeader);
  return address?.slice(0, ipCharsMax) ?? null;
}
