import { existsSync, renameSync } from "node:fs";
import { usageBatchMax } from "#edge/limits.ts";
import type { UsageLog } from "./usage-log.ts";

/**
 * Takes over a usage log that an older version kept under another name. Where both folders hold one, what the old one
 * has not delivered is appended to the new; a crash in between sends some records twice, which is harmless.
 */
export function adoptUsageLog(oldPath: string, path: string, open: (path: string) => UsageLog): void {
  if (!existsSync(oldPath)) return;
  if (!existsSync(path)) return renameSync(oldPath, path);
  const [from, to] = [open(oldPath), open(path)];
  for (let bytesLeft = from.backlogBytes; bytesLeft > 0; bytesLeft = from.backlogBytes) {
    const { records, mark } = from.peek(usageBatchMax);
    for (const record of records) to.append(record);
    from.acknowledge(mark);
    if (from.backlogBytes === bytesLeft) break;
  }
  from.close();
  to.close();
}
