import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that take longest, the longest first: what is begun last should not be what everything waits for. */
const longest = [
  "test/journeys/faults/storm.test.ts",
  "test/journeys/faults/faults-node.test.ts",
  "test/journeys/faults/crash.test.ts",
  "test/edge/adapters/upstash/ledger/script.test.ts",
];

/** Begins the long files first; the rest in vitest's own order. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = longest.findIndex((file) => moduleId.endsWith(file));
      return at < 0 ? longest.length : at;
    };
    return (await super.sort(files)).toSorted((one, other) => rank(one) - rank(other));
  }
}
