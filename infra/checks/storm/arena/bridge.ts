import { parseArgs } from "node:util";
import { startBridge } from "#infra/local/redis/redis-bridge.ts";

/**
 * `node infra/checks/storm/arena/bridge.ts --redis PORT`: Upstash's REST before a Redis that others kill and start.
 * Says `ready {"url","token"}`.
 */
const { values } = parseArgs({ options: { redis: { type: "string", default: "6379" } } });
const { url, token } = await startBridge({ redisPort: Number(values.redis) });
process.stdout.write(`ready ${JSON.stringify({ url, token })}\n`);
