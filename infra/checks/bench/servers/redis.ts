import { join } from "node:path";
import { startRedis } from "#infra/local/redis/redis.ts";

/**
 * Redis and its bridge, a process of their own. Counts the HTTP requests that the bridge was sent, by the command of
 * the ledger's script that they ran, and reports them on request; on `sync` it changes when Redis forces its writes to
 * disk. It begins with `always`: nothing that was acknowledged is lost, as with objects.
 */
const seen: Record<string, number> = {};
const redis = await startRedis({
  dir: join(process.argv[2] ?? "", "redis"),
  fsync: "always",
  onCommands: ([first]) => count(first ?? []),
});

/**
 * A script's first argument after its keys is its command; anything else goes by the command's name. A pipeline counts
 * once, by its first command.
 */
function count(command: string[]): void {
  const [name = "", , keys] = command;
  const label = name.startsWith("eval") ? (command[3 + Number(keys)] ?? "") : name;
  seen[label] = (seen[label] ?? 0) + 1;
}

process.on("message", async ({ id, sync }: { id: number; sync: "always" | "everysec" | null }) => {
  const command = JSON.stringify(["CONFIG", "SET", "appendfsync", sync]);
  if (sync)
    await fetch(redis.url, { method: "POST", headers: { authorization: `Bearer ${redis.token}` }, body: command });
  process.send?.({ id, answer: seen });
});
process.once("SIGTERM", () => void redis.close().finally(() => process.exit(0)));
console.log(`ready ${JSON.stringify({ url: redis.url, token: redis.token })}`);
