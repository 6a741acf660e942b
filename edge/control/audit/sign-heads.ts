import type { Database } from "../http/store.ts";
import { insertHead, selectUnsigned } from "./queries.ts";

/** Signs the ends of logs with the deployment's own key; the signature is base64url. */
export interface HeadSigner {
  kid: string;
  sign(text: string): Promise<string>;
}

const dayMs = 86_400_000;
const hourMs = 3_600_000;
const minuteMs = 60_000;
/** In which minute of each hour heads are looked for: that reads a row of every org. */
const minute = 7;
const orgsAtOnce = 200;

/** What a head's signature is of. */
export function writeHead({
  org,
  seq,
  hash,
  at_ms,
}: {
  org: string;
  seq: number;
  hash: string;
  at_ms: number;
}): string {
  return JSON.stringify(["penstock audit head", org, seq, hash, at_ms]);
}

/**
 * Signs, once a UTC day for each org, the end of a log that has grown: whoever keeps a head can tell that the log was
 * not cut or written anew up to there. A chore of each minute; what fails is made up for an hour later.
 */
export async function signHeads(db: Database, signer: HeadSigner, nowMs: number): Promise<void> {
  if (Math.floor((nowMs % hourMs) / minuteMs) !== minute) return;
  const sinceMs = nowMs - (nowMs % dayMs);
  let afterOrg = "";
  for (;;) {
    const ends = await selectUnsigned(db, { afterOrg, sinceMs }, orgsAtOnce);
    const last = ends.at(-1);
    if (!last) return;
    const heads = ends.map(async (end) => {
      const head = { ...end, at_ms: nowMs, kid: signer.kid };
      return insertHead(db, { ...head, signature: await signer.sign(writeHead(head)) });
    });
    await db.batch(await Promise.all(heads));
    afterOrg = last.org;
  }
}
