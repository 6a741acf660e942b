import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openDemo, signInOwner } from "#infra/local/demo.ts";
import { root, startStack } from "#infra/local/stack.ts";
import { openFuzzOrg, waitUntilHealthy } from "./fuzz-org.ts";
import { openNameServer } from "./name-server.ts";

const usage = `npm run fuzz:api -- [options]

  --examples N   test cases of each operation and phase (100)
  --seed N       the seed of the cases (1)
  --only NAME    model, admin or operator: with that key alone; owner: in a browser's session; nobody: without either
  --help         show this
`;

/** Where README.md says to install it. */
const program = join(root, ".penstock/python/bin/schemathesis");
const settings = new URL("schemathesis.toml", import.meta.url);
/** Which operations each caller is for; what would end a session is left to those who have none. */
const paths = {
  model: ["--include-path-regex", "^/(?!control|auth)"],
  admin: ["--include-path-regex", "^/control"],
  owner: ["--include-path-regex", "^/(control|auth)", "--exclude-path-regex", "^/auth/(sign-out|sessions)"],
  operator: ["--include-path-regex", "^/control"],
  nobody: ["--include-path-regex", "^/auth"],
};
type Caller = keyof typeof paths;
const callers: Caller[] = ["model", "admin", "owner", "operator", "nobody"];

const { values: flags } = parseArgs({
  options: {
    examples: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

/** One run of schemathesis over what a caller is for; resolves to its exit code. */
function runSchemathesis(stateDir: string, edge: string, caller: Caller, proof: Proof): Promise<number> {
  const { examples, seed } = flags;
  const { headers, session } = proof;
  const config = join(stateDir, "schemathesis.toml");
  // As what the document calls a session: a cookie among the headers would stand where a test leaves it out.
  const auth = session === null ? "" : `\n[auth.openapi.session]\napi_key = "${session}"\n`;
  writeFileSync(config, readFileSync(settings, "utf8") + auth);
  const args = ["--config-file", config, "run", `${edge}/openapi.json`, ...paths[caller]];
  args.push(...headers.flatMap((header) => ["-H", header]));
  args.push("--max-examples", examples, "--seed", seed, "--continue-on-failure", "--generation-database", "none");
  const child = spawn(program, args, { cwd: stateDir, stdio: "inherit" });
  return new Promise((resolve, reject) => {
    child.once("error", reject).once("exit", (code) => resolve(code ?? 1));
  });
}

type Keys = Record<"model" | "admin" | "operator", string>;

/** What a caller sends with each request, and the session that they are in. */
interface Proof {
  headers: string[];
  session: string | null;
}

async function openProof(edge: string, caller: Caller, keys: Keys): Promise<Proof> {
  if (caller === "nobody") return { headers: [`Origin: ${edge}`], session: null };
  if (caller !== "owner") return { headers: [`Authorization: Bearer ${keys[caller]}`], session: null };
  const owner = await signInOwner(edge);
  if (!owner) throw new Error("the stack shows no codes");
  const session = /session_token=([^;]+)/.exec(owner["cookie"] ?? "")?.[1] ?? null;
  return { headers: [`Origin: ${edge}`], session };
}

async function fuzz(): Promise<number> {
  const stateDir = mkdtempSync(join(tmpdir(), "penstock-fuzz-"));
  process.once("exit", () => rmSync(stateDir, { recursive: true, force: true }));
  const { vars, ...names } = await openNameServer();
  const stack = await startStack({ port: 0, stateDir, vars, simulatorArgs: ["--step-ms", "1"] });
  try {
    const { edge } = stack;
    const { adminKey: operator } = await openDemo(stateDir, edge.url, stack.secrets.bootstrapToken);
    await waitUntilHealthy(edge.url);
    let findings = 0;
    for (const caller of callers) {
      if (flags.only !== undefined && flags.only !== caller) continue;
      const keys = { ...(await openFuzzOrg(edge.url, operator)), operator };
      console.log(`\n== ${caller}`);
      const code = await runSchemathesis(stateDir, edge.url, caller, await openProof(edge.url, caller, keys));
      if (code !== 0) findings++;
    }
    return findings;
  } finally {
    await stack.close();
    await names.close();
  }
}

if (flags.help) console.log(usage);
else if (!existsSync(program)) {
  console.error("schemathesis is not there: see infra/checks/schemathesis/README.md");
  process.exitCode = 2;
} else process.exit((await fuzz()) === 0 ? 0 : 1);
