import { digestHex } from "../../agreements/digest.ts";
import { windows } from "../../agreements/records/windows.ts";
import type { KeyId, OrgId } from "../../agreements/tokens/ids.ts";
import type { Denial } from "../../ledger/port.ts";
import { formatIso } from "../http/fields.ts";
import type { Database } from "../http/store.ts";
import { insertEventOnce } from "./queries.ts";
import type { EventDraft } from "./types.ts";

/** Whose call was refused, and when. */
export interface Refused {
  org: OrgId;
  key: KeyId;
  nowMs: number;
}

/** Windows that an isolate remembers as told. */
const reportedMax = 10_000;
/** After a store that failed, the next refusal in the window tries again, but not sooner. */
const againMs = 10_000;

/**
 * Tells of limits that are reached, once for each window of an org's, and once for those of its keys together: however
 * many isolates refuse, the event has one id. What an isolate has told it remembers, so a flood of refusals costs a
 * look into a map each. Slots of calls at once are no window, and nothing is told of them.
 */
export class LimitEvents {
  /** When the same may be told again; never, once it is stored. */
  readonly #reported = new Map<string, number>();
  readonly #db: Database;
  readonly #nudge: (org: OrgId) => Promise<void>;

  constructor(db: Database, nudge: (org: OrgId) => Promise<void>) {
    this.#db = db;
    this.#nudge = nudge;
  }

  /** The work that a denial makes, to be done behind the answer; null when it makes none. Never throws. */
  note(denial: Denial, refused: Refused): Promise<void> | null {
    if (!("window" in denial)) return null;
    const fromMs = findStart(denial.window, refused.nowMs);
    if (fromMs === null) return null;
    const name = `${refused.org} ${denial.of} ${denial.window} ${fromMs}`;
    if ((this.#reported.get(name) ?? 0) > refused.nowMs) return null;
    this.#remember(name, Infinity);
    return this.#write(denial, refused, { name, fromMs });
  }

  async #write(
    { window, of, limit, resetAtMs }: Extract<Denial, { window: unknown }>,
    { org, key, nowMs }: Refused,
    { name, fromMs }: { name: string; fromMs: number },
  ): Promise<void> {
    const [from, resetAt] = [formatIso(fromMs), formatIso(resetAtMs)];
    const { type, body }: EventDraft = { type: "limit.reached", body: { window, of, key, limit, from, resetAt } };
    const event = { id: `evt_${digestHex(name).slice(0, 22)}`, org, type, at_ms: nowMs, body: JSON.stringify(body) };
    try {
      const row = await insertEventOnce(this.#db, event).first();
      if (row !== null) await this.#nudge(org);
    } catch (cause) {
      this.#remember(name, nowMs + againMs);
      throw cause;
    }
  }

  #remember(name: string, untilMs: number): void {
    this.#reported.delete(name);
    this.#reported.set(name, untilMs);
    if (this.#reported.size <= reportedMax) return;
    const [oldest = ""] = this.#reported.keys();
    this.#reported.delete(oldest);
  }
}

/**
 * When the window began that one event is for: the calendar's, or of one that slides the whole minute or hour, since
 * that has no beginning of its own. Null where there is none.
 */
function findStart(name: keyof typeof windows, nowMs: number): number | null {
  const rule = windows[name];
  if (rule.kind === "gauge") return null;
  if (rule.kind === "sliding") return Math.floor(nowMs / rule.lengthMs) * rule.lengthMs;
  const now = new Date(nowMs);
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), rule.period === "day" ? now.getUTCDate() : 1);
}
