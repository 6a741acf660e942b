import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openDemo } from "#infra/local/demo.ts";
import { root, startStack } from "#infra/local/stack.ts";
import { openFuzzOrg, waitUntilHealthy } from "./fuzz-org.ts";

const usage = `npm run fuzz:api -- [options]

  --examples N   test cases of each operation and phase (100)
  --seed N       the seed of the cases (1)
  --only NAME    model, admin or operator: with that key alone
  --help         show this
`;

/** Where README.md says to install it. */
const program = join(root, ".penstock/python/bin/schemathesis");
const config = new URL("schemathesis.toml", import.meta.url).pathname;
/** Which operations each kind of key is for. */
const pathsByKey = { model: "^/(?!control)", admin: "^/control", operator: "^/control" } as const;

const { values: flags } = parseArgs({
  options: {
    examples: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

/** One run of schemathesis over what a key is for; resolves to its exit code. */
function runSchemathesis(stateDir: string, edge: string, [paths, key]: readonly [string, string]): Promise<number> {
  const { examples, seed } = flags;
  const args = ["--config-file", config, "run", `${edge}/openapi.json`, "--include-path-regex", paths];
  args.push("--max-examples", examples, "--seed", seed, "--continue-on-failure", "--generation-database", "none");
  const child = spawn(program, args, {
    cwd: stateDir,
    stdio: "inherit",
    env: { ...process.env, PENSTOCK_FUZZ_KEY: key },
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject).once("exit", (code) => resolve(code ?? 1));
  });
}

async function fuzz(): Promise<number> {
  const stateDir = mkdtempSync(join(tmpdir(), "penstock-fuzz-"));
  process.once("exit", () => rmSync(stateDir, { recursive: true, force: true }));
  const stack = await startStack({ port: 0, stateDir, simulatorArgs: ["--step-ms", "1"] });
  try {
    const { edge } = stack;
    const { adminKey: operator } = await openDemo(stateDir, edge.url, stack.secrets.bootstrapToken);
    await waitUntilHealthy(edge.url);
    let findings = 0;
    for (const name of ["model", "admin", "operator"] as const) {
      if (flags.only !== undefined && flags.only !== name) continue;
      const keys = await openFuzzOrg(edge.url, operator);
      console.log(`\n== with ${name === "model" ? "a model" : `an ${name}'s`} key`);
      const code = await runSchemathesis(stateDir, edge.url, [pathsByKey[name], { ...keys, operator }[name]]);
      if (code !== 0) findings++;
    }
    return findings;
  } finally {
    await stack.close();
  }
}

if (flags.help) console.log(usage);
else if (!existsSync(program)) {
  console.error("schemathesis is not there: see infra/checks/schemathesis/README.md");
  process.exitCode = 2;
} else process.exit((await fuzz()) === 0 ? 0 : 1);
