import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

const folder = join(import.meta.dirname, "../fixtures/vllm");

/** What a real vLLM said (test/fixtures/vllm/README.md), by the name of its recording, in the order of the names. */
export function readRecordings<T extends object>(): [name: string, recording: T][] {
  return globSync("*/*.json", { cwd: folder })
    .map((file): [string, T] => [basename(file, ".json"), JSON.parse(readFileSync(join(folder, file), "utf8"))])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** One recording; `name` has no ending. Throws when there is none. */
export function readRecording<T extends object>(name: string): T {
  const recording = readRecordings<T>().find(([other]) => other === name)?.[1];
  if (!recording) throw new RangeError(`no recording is called ${name}`);
  return recording;
}

/** The metrics page of vLLM, as text; `name` is `metrics` or `metrics-admission`. */
export function readMetricsPage(name: string): string {
  return readFileSync(join(folder, `metrics/${name}.txt`), "utf8");
}

/** One exchange with a real vLLM; a stream has `blocks`, cut after each blank line, in the place of a body. */
export interface Recording {
  name: string;
  server: string;
  request: { method?: string; path: string; body?: string; headers?: Record<string, string> };
  status: number | null;
  headers?: Record<string, string>;
  body?: string;
  blocks?: string[];
  /** How it broke off, in the recordings of aborts and deaths. */
  ended?: string;
}

/** Can the exchange be repeated and compared? What was killed or left in the middle has tests of its own. */
export function isReplayable(name: string, { request, status, body, blocks, ended }: Recording): boolean {
  const isWhole = ended === undefined && (body !== undefined || blocks !== undefined);
  return Boolean(request && status && isWhole) && !name.startsWith("death-");
}
