import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openFuzzOrg, waitUntilHealthy } from "#infra/checks/schemathesis/fuzz-org.ts";
import { openNameServer } from "#infra/checks/schemathesis/name-server.ts";
import { openDemo, signInOwner } from "#infra/local/demo.ts";
import { root, startStack } from "#infra/local/stack.ts";
import { listFindings, type WapitiReport } from "./findings.ts";
import { writeScanDocument } from "./scan-document.ts";

const { values: flags } = parseArgs({ options: { seconds: { type: "string", default: "120" } } });
/** Where README.md says to install it. */
const program = join(root, ".penstock/wapiti/bin/wapiti");
/** All that asks nothing of another host, and guesses no names of other software. */
const modules =
  "backup,cookieflags,crlf,csp,csrf,exec,file,http_headers,htaccess,permanentxss,redirect,shellshock," +
  "spring4shell,sql,timesql,upload,xss";

/** One run of the scanner; resolves to what it says of what it has found. */
async function scan(stateDir: string, args: string[]): Promise<WapitiReport> {
  const report = join(stateDir, "report.json");
  const fixed = ["-m", modules, "-f", "json", "-o", report, "--flush-session", "--no-bugreport", "--store-session"];
  const bounds = [
    "--max-attack-time",
    flags.seconds,
    "--max-scan-time",
    "300",
    "--max-files-per-dir",
    "200",
    "-v",
    "0",
  ];
  const all = [...args, ...fixed, stateDir, ...bounds];
  const child = spawn(program, all, { cwd: stateDir, stdio: ["ignore", "ignore", "inherit"] });
  const code = await new Promise((resolve, reject) => child.once("error", reject).once("exit", resolve));
  if (!existsSync(report)) throw new Error(`the scanner ended with ${String(code)} and no report`);
  return JSON.parse(readFileSync(report, "utf8"));
}

async function scanPortal(): Promise<number> {
  const stateDir = mkdtempSync(join(tmpdir(), "penstock-scan-"));
  process.once("exit", () => rmSync(stateDir, { recursive: true, force: true }));
  const { vars, ...names } = await openNameServer();
  const stack = await startStack({ port: 0, stateDir, vars, simulatorArgs: ["--step-ms", "1"] });
  try {
    const { url } = stack.edge;
    const { adminKey: operator } = await openDemo(stateDir, url, stack.secrets.bootstrapToken);
    await waitUntilHealthy(url);
    const { id: org, admin, model } = await openFuzzOrg(url, operator);
    const owner = await signInOwner(url);
    if (!owner) throw new Error("the stack shows no codes");
    const document = join(stateDir, "openapi.json");
    writeFileSync(document, JSON.stringify(await writeScanDocument(url, { org, admin })));
    const api = ["-u", `${url}/`, "--scope", "folder", "--swagger", document];
    const cookies = ["-H", `Cookie: ${owner["cookie"]}`, "-H", `Origin: ${url}`];
    const runs = [
      ["the portal, without a session", ["-u", `${url}/portal/`, "--scope", "folder"]],
      ["the portal, as an owner", ["-u", `${url}/portal/`, "--scope", "folder", ...cookies]],
      ["the API, as an owner in a browser", [...api, ...cookies]],
      ["the API, with an admin key", [...api, "-H", `Authorization: Bearer ${admin}`]],
      ["the API, with a model key", [...api, "-H", `Authorization: Bearer ${model}`]],
    ] as const;
    let left = 0;
    for (const [name, args] of runs) {
      const report = await scan(stateDir, [...args]);
      const { crawled, open, passed } = listFindings(report);
      console.log(`${name}: ${crawled} pages, ${open.length} findings, ${passed} more that findings.ts explains`);
      for (const finding of open) console.log(`  ${finding}`);
      left += open.length;
    }
    return left;
  } finally {
    await stack.close();
    await names.close();
  }
}

if (!existsSync(program)) {
  console.error("wapiti is not there: see infra/checks/wapiti/README.md");
  process.exitCode = 2;
} else process.exit((await scanPortal()) === 0 ? 0 : 1);
