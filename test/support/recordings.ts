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
