import { describe, expect, test } from "vitest";
import { realEngines } from "./engines.ts";
import { readRecordings, type Recording } from "#test/support/recordings.ts";
import { describeStructure } from "./structure.ts";

const recordings = readRecordings<Recording>()
  .map(([, recording]) => recording)
  // `limited` needs a server with other flags; what the cache held depends on what was asked before.
  .filter(
    ({ name, server, request, status, body, blocks, ended }) =>
      ["chat", "embed"].includes(server) &&
      request &&
      status &&
      ended === undefined &&
      !/^(death|cache)-/.test(name) &&
      (body ?? blocks) !== undefined,
  );

const engines = new Map(
  realEngines()
    .toReversed()
    .map(({ kind, url }): [string, string] => [kind, url]),
);

describe("this vLLM still answers as the recordings say that the tests of the simulator go by:", () => {
  test.each(recordings.filter(({ server }) => engines.has(server)))(
    "$name",
    async ({ server, request, status, headers, body, blocks }) => {
      const response = await fetch(engines.get(server) + request.path, {
        method: request.method ?? "GET",
        headers: request.headers ?? {},
        redirect: "manual",
        ...(request.body !== undefined && request.body !== "" && { body: request.body }),
      });
      const got = describeStructure(
        response.status,
        response.headers.get("content-type") ?? undefined,
        await response.text(),
      );
      expect(got).toEqual(describeStructure(status ?? 0, headers?.["content-type"], body ?? blocks?.join("") ?? ""));
    },
  );
});
