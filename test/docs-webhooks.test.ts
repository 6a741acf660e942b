import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { computeCrc32 } from "#edge/agreements/crc32.ts";
import { mintKey, openKeyring, readKey } from "#edge/agreements/tokens/key-format.ts";
import { base62 } from "#edge/agreements/tokens/ids.ts";
import { mintWebhookSecret, signDelivery } from "#edge/agreements/webhooks/signature.ts";
import { eventTypes } from "#edge/control/events/types.ts";
import { generateRandomBytes } from "#edge/visit.ts";

const root = new URL("..", import.meta.url).pathname;
const page = readFileSync(join(root, "docs/webhooks.md"), "utf8");

test("docs/webhooks.md has a row for each type of event, with what its data holds", () => {
  const rows = Object.entries(eventTypes).map(([type, { says, data }]) => {
    const names = Object.keys(data.shape).map((name) => `\`${name}\``);
    return `| \`${type}\` | ${says} | ${names.join(", ")} |`;
  });
  const shown = page.split("\n").filter((line) => /^\| `[a-z]+\.[a-z]+` \|/.test(line));
  expect(shown).toEqual(rows);
});

const folder = mkdtempSync(join(root, mkdirp(".penstock"), "webhooks-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function mkdirp(name: string): string {
  mkdirSync(join(root, name), { recursive: true });
  return name;
}

const isThere = (command: string, ...args: string[]) => spawnSync(command, args).status === 0;
const code = (language: string) => new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, "m").exec(page)?.[1] ?? "";

const secret = mintWebhookSecret(generateRandomBytes);
const other = mintWebhookSecret(generateRandomBytes);
const body = JSON.stringify({ type: "key.created", data: { name: "ключ" } });
const nowS = Math.floor(Date.now() / 1_000);
const good = signDelivery({ id: "evt_x", timestamp: nowS, body }, [other, secret]);
const old = signDelivery({ id: "evt_x", timestamp: nowS - 3_600, body }, [secret]);
const cases = [
  { name: "good", headers: good, text: body, isRight: true },
  { name: "another body", headers: good, text: `${body} `, isRight: false },
  { name: "another id", headers: { ...good, "webhook-id": "evt_y" }, text: body, isRight: false },
  {
    name: "another secret",
    headers: signDelivery({ id: "evt_x", timestamp: nowS, body }, [other]),
    text: body,
    isRight: false,
  },
  { name: "an hour old", headers: old, text: body, isRight: false },
];

/** How a snippet is run: in which file, with which program around it, by which command. */
const runners = {
  ts: {
    file: "openai.ts",
    wrap: (snippet: string) =>
      `${snippet}\nconst [s, h, b] = process.argv.slice(2); await verify(s!, JSON.parse(h!), b!);`,
    run: ["node"],
    needs: isThere("node", "--version"),
  },
  js: {
    file: "standard.mjs",
    wrap: (snippet: string) =>
      `${snippet}\nconst [s, h, b] = process.argv.slice(2); await verify(s, JSON.parse(h), b);`,
    run: ["node"],
    needs: isThere("node", "--version"),
  },
  python: {
    file: "verify.py",
    wrap: (snippet: string) =>
      `${snippet}\nimport sys\nverify(sys.argv[1], json.loads(sys.argv[2]), sys.argv[3].encode())\n`,
    run: ["python3"],
    needs: isThere("python3", "--version"),
  },
  go: {
    file: "main.go",
    wrap: (snippet: string) =>
      `${snippet.replace('"errors"', '"encoding/json"\n\t"errors"\n\t"os"')}
func main() {
	headers := map[string]string{}
	if json.Unmarshal([]byte(os.Args[2]), &headers) != nil || verify(os.Args[1], headers, []byte(os.Args[3])) != nil {
		os.Exit(1)
	}
}`,
    run: ["go", "run"],
    needs: isThere("go", "version"),
  },
  java: {
    file: "Main.java",
    wrap: (snippet: string) =>
      `${snippet.replace("class Verify {", "class Main {").replace(
        /\}\s*$/,
        `
  public static void main(String[] args) throws Exception {
    Map<String, String> headers = new java.util.HashMap<>();
    for (String pair : args[1].replaceAll("[{}\\"]", "").split(",(?=webhook)")) {
      headers.put(pair.substring(0, pair.indexOf(":")), pair.substring(pair.indexOf(":") + 1));
    }
    verify(args[0], headers, args[2].getBytes(StandardCharsets.UTF_8));
  }
}`,
      )}`,
    run: ["java", "-Dfile.encoding=UTF-8", "-Dsun.jnu.encoding=UTF-8"],
    needs: isThere("java", "-version"),
  },
} as const;

describe.each(Object.entries(runners))("the snippet in %s", (language, { file, wrap, run, needs }) => {
  test.skipIf(!needs)("verifies what is right, and nothing else", () => {
    const path = join(folder, file);
    writeFileSync(path, wrap(code(language)));
    for (const { name, headers, text, isRight } of cases) {
      const [command = "", ...args] = run;
      const given = [...args, path, secret, JSON.stringify(headers), text];
      const env = { ...process.env, GO111MODULE: "off", LC_ALL: "C.UTF-8" };
      const { status, stderr } = spawnSync(command, given, { cwd: folder, encoding: "utf8", env });
      expect([name, status === 0, isRight ? stderr : ""]).toEqual([name, isRight, ""]);
    }
  });
});

describe("the pattern of docs/security.md", () => {
  const security = readFileSync(join(root, "docs/security.md"), "utf8");
  const pattern = new RegExp(/^\\b\(sk-pen.*$/m.exec(security)?.[0] ?? "nothing", "g");
  const checksum = (text: string) => {
    let [rest, digits] = [computeCrc32(new TextEncoder().encode(text)), ""];
    for (; digits.length < 6; rest = Math.floor(rest / 62)) digits = base62.charAt(rest % 62) + digits;
    return digits;
  };

  test("finds every key that we make, in any text, and its checksum is as the page says", async () => {
    const letter = (one: string) => one.repeat(43);
    const keyring = await openKeyring({ tagKeys: { t1: letter("A") }, peppers: { p1: letter("B") } });
    for (let at = 0; at < 200; at++) {
      const { text } = mintKey(at % 2 ? "admin" : "inference", "org_0123456789", keyring, generateRandomBytes);
      const [match, ...more] = [...`export KEY="${text}", and on`.matchAll(pattern)];
      expect([match?.[0], more.length, match?.[2]]).toEqual([text, 0, checksum(match?.[1] ?? "")]);
    }
  });

  test("what only looks like a key has another checksum, and is none", () => {
    const draw = (count: number) => Array.from(generateRandomBytes(count), (byte) => base62[byte % 62]).join("");
    for (let at = 0; at < 1_000; at++) {
      const text = `sk-pen-${draw(16)}-${draw(47)}`;
      const [match] = [...text.matchAll(pattern)];
      expect(match?.[0]).toBe(text);
      expect([checksum(match?.[1] ?? "") === match?.[2], readKey(text)]).toEqual([false, null]);
    }
  });
});
