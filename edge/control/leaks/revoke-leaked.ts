import { computeDigests, isSameText, isTagged, readKey } from "../../agreements/tokens/key-format.ts";
import type { Visit } from "../../visit.ts";
import { commitAudited } from "../audit/commit.ts";
import type { ControlPorts } from "../http/port.ts";
import { findPresented, isInForce, KeyRow, revokeKeyRow, toKeyRecord } from "../keys/queries.ts";
import { publishRecord } from "../publishing/publish-record.ts";
import { tellOwners } from "../members/tell-owners.ts";
import type { Leak } from "./report.ts";

/**
 * Revokes a key that was found in public, if it is one of ours: in the store, audited and as an event, and in force
 * before it returns. Tells whether it was ours. One that had ended is published once more, so that repeating a report
 * heals what a ledger out of reach has left. The token is logged nowhere.
 */
export async function revokeLeaked(visit: Visit, control: ControlPorts, leak: Leak): Promise<boolean> {
  const row = await findLeaked(control, leak.token);
  if (!row) return false;
  const ended = isInForce(row, visit.now()) ? await revoke(visit, control, { row, leak }) : row;
  if (ended.kind === "inference") await publishRecord(control, toKeyRecord(ended));
  return true;
}

async function findLeaked({ db, keyring }: ControlPorts, token: string): Promise<KeyRow | null> {
  const presented = readKey(token);
  if (!presented || !isTagged(presented, keyring)) return null;
  const row = await findPresented(db, presented.org, presented.key);
  const digest = computeDigests(presented.text, keyring).find(({ kid }) => kid === row?.pepper_kid)?.digest;
  return row && digest !== undefined && isSameText(digest, row.digest) ? row : null;
}

async function revoke(
  visit: Visit,
  control: ControlPorts,
  { row, leak }: { row: KeyRow; leak: Leak },
): Promise<KeyRow> {
  const { id: key, org, hint, name } = row;
  const revokedAtMs = visit.now();
  const found = { url: leak.url ?? null, source: leak.source ?? null };
  const actor = { kind: "house", id: "leaks", name: "reports of leaked keys", ip: null } as const;
  const [changed] = await commitAudited(
    { db: control.db, actor, visit },
    {
      org,
      action: "key.leaked",
      target: key,
      before: { revokedAtMs: null },
      after: { revokedAtMs, ...found },
      change: revokeKeyRow(control.db, key, revokedAtMs),
      event: { type: "key.leaked", body: { key, hint, name, ...found, revokedAtMs } },
    },
  );
  if (changed === undefined) return row;
  visit.log("key_leaked", { key, org });
  const { db, mailer, deliverer } = control;
  visit.afterwards(deliverer.nudge(org));
  visit.afterwards(
    tellOwners({ db, mailer, log: visit.log }, org, {
      subject: "A key of your organization was found in public, and was revoked",
      text:
        `The key '${name}' (${hint}) was found in public, and was revoked at once: calls with it are refused.\n\n` +
        `Where it was found: ${found.url ?? "was not told"}\n\n` +
        "Make a new key for whatever used it, and look at the usage of the old one for calls that were not yours.\n",
    }),
  );
  return KeyRow.parse(changed);
}
