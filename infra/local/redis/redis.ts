import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { pathToFileURL } from "node:url";
import { startBridge, type Bridge, type BridgeOptions } from "./redis-bridge.ts";
import { startRedisServer, type RedisServer, type RedisServerOptions } from "./redis-server.ts";

/** A Redis of our own with Upstash's REST before it. */
export interface LocalRedis {
  url: string;
  token: string;
  server: RedisServer;
  bridge: Bridge;
  close(): Promise<void>;
}

/** Starts both; throws `redisMissing` where there is no redis-server. */
export async function startRedis(
  options: RedisServerOptions & { bridgePort?: number } & Pick<BridgeOptions, "token" | "onCommands">,
): Promise<LocalRedis> {
  const { token, onCommands } = options;
  const server = await startRedisServer(options);
  const bridge = await startBridge({
    redisPort: server.port,
    port: options.bridgePort ?? 0,
    ...(token && { token }),
    ...(onCommands && { onCommands }),
  });
  const close = async () => {
    await bridge.close();
    await server.stop();
  };
  return { url: bridge.url, token: bridge.token, server, bridge, close };
}

/** `node infra/local/redis/redis.ts`: says `ready {"url","token"}` and serves until SIGTERM. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      dir: { type: "string", default: join(tmpdir(), "penstock-redis") },
      port: { type: "string", default: "0" },
      token: { type: "string" },
      fsync: { type: "string", default: "everysec" },
    },
  });
  if (values.fsync !== "everysec" && values.fsync !== "always") throw new Error("--fsync must be everysec or always");
  const redis = await startRedis({
    dir: values.dir,
    fsync: values.fsync,
    bridgePort: Number(values.port),
    ...(values.token ? { token: values.token } : {}),
  });
  process.once("SIGTERM", () => void redis.close().finally(() => process.exit(0)));
  process.once("SIGINT", () => void redis.close().finally(() => process.exit(0)));
  const { url, token, server } = redis;
  process.stdout.write(`ready ${JSON.stringify({ url, token, redisPid: server.pid, redisPort: server.port })}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  try {
    await main();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}
