import { expect, it } from "vitest";
import { z } from "zod";
import { defineEndpoint, describeJsonAnswer, describeJsonBody } from "#edge/control/http/endpoint.ts";

it("keeps a route and its answer together, as the table of contents hangs them in", () => {
  const route = { method: "get", path: "/", responses: { 200: { description: "" } } } as const;
  const answer = () => new Response();
  expect(defineEndpoint(route, answer)).toEqual([route, answer]);
});

it("demands the bodies it describes", () => {
  const schema = z.strictObject({});
  expect(describeJsonBody(schema)).toEqual({ required: true, content: { "application/json": { schema } } });
  expect(describeJsonAnswer("It.", schema)).toEqual({
    description: "It.",
    content: { "application/json": { schema } },
  });
});
