import { ConfigError, readConfig } from "./config.ts";
import { readCause } from "./log.ts";
import { startAgent } from "./start-agent.ts";

export { checkConfig, ConfigError, readConfig, type AgentConfig, type ConfigInput } from "./config.ts";
export { startAgent, type Agent } from "./start-agent.ts";

/** EX_CONFIG of sysexits.h: systemd does not restart what will fail again. */
const exitConfig = 78;

/**
 * Runs the agent as a process: `node origin/agent.ts --config FILE`. Prints `ready {"node":…,"url":…}`. SIGTERM or
 * SIGINT drains and exits; a second signal ends what is left.
 */
async function main(args: string[]): Promise<void> {
  const config = readConfig(args, process.env);
  const agent = await startAgent(config);
  process.stdout.write(`ready ${JSON.stringify({ node: config.node, url: agent.url })}\n`);
  const leave = () => void agent.stop().then(() => process.exit(0));
  process.on("SIGTERM", leave);
  process.on("SIGINT", leave);
}

if (import.meta.main) {
  main(process.argv.slice(2)).catch((error: unknown) => {
    const isConfig = error instanceof ConfigError;
    process.stderr.write(isConfig ? `${error.name}: ${error.message}\n` : `start_failed: ${readCause(error)}\n`);
    process.exit(isConfig ? exitConfig : 1);
  });
}
