import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { folder } from "../engines.ts";
import { readEngineMembers, trimOpenApi, type EngineMembers, type EnginePlace } from "./read-openapi.ts";

/** What one vLLM says of its requests: as it stands in test/fixtures/vllm/openapi.json. */
export interface EngineWord {
  version: string;
  /** Its OpenAPI documents, trimmed: a server that generates has no embeddings, and the other way round. */
  documents: unknown[];
  /** The types of parts that its messages may have. */
  partTypes: string[];
}

/** The place at which a part's type stands. */
export const partTypePlace = "chat.completions.messages[].content[].type";

/** The members of all documents together, with the types of parts. */
export function joinMembers({ documents, partTypes }: EngineWord): EngineMembers {
  const joined = new Map<string, EnginePlace>();
  const add = (place: string, { names, values }: EnginePlace) => {
    const found = joined.get(place);
    joined.set(place, {
      names: new Set([...(found?.names ?? []), ...names]),
      values: new Set([...(found?.values ?? []), ...values]),
    });
  };
  for (const document of documents) for (const [place, found] of readEngineMembers(document)) add(place, found);
  add(partTypePlace, { names: new Set(), values: new Set(partTypes) });
  return joined;
}

/**
 * Asks running servers for their OpenAPI, and the Python package that they run from for its types of parts. Servers
 * that keep their documents closed (`--disable-fastapi-docs`) are passed over; throws when all do.
 */
export async function askEngines(urls: readonly string[]): Promise<EngineWord> {
  const answers = await Promise.all(urls.map((url) => fetch(`${url}/openapi.json`)));
  const open = answers.filter(({ ok }) => ok);
  if (open.length === 0) throw new Error("no engine shows its OpenAPI: stop those that were kept, and start anew");
  const [url = ""] = urls;
  const { version }: { version: string } = JSON.parse(await (await fetch(`${url}/version`)).text());
  return {
    version,
    documents: await Promise.all(open.map(async (answer) => trimOpenApi(JSON.parse(await answer.text())))),
    partTypes: await readPartTypes(),
  };
}

async function readPartTypes(): Promise<string[]> {
  const python = join(folder, "venv/bin/python");
  const script = new URL("part-types.py", import.meta.url).pathname;
  // vLLM logs on the same channel while it is loaded: the list is the last line.
  const { stdout } = await promisify(execFile)(python, ["-W", "ignore", script], { timeout: 110_000 });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
}
