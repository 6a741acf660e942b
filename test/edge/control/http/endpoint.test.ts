import { expect, it } from "vitest";
import { z } from "zod";
import {
  actionMember,
  defineEndpoint,
  defineOpenEndpoint,
  describeJsonAnswer,
  describeJsonBody,
  describeStream,
  readReach,
  refuseUnlessMay,
} from "#edge/control/http/endpoint.ts";
import type { Principal } from "#edge/control/http/port.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

const route = { method: "get", path: "/", responses: { 200: { description: "" } } } as const;
const answer = () => new Response();
const principal = (given: Partial<Principal>): Principal => ({
  kind: "member",
  id: "user_0000000000000000000000",
  name: "x",
  org: null,
  role: "viewer",
  isOperator: false,
  isHeldUp: false,
  expiresAtMs: null,
  person: null,
  ...given,
});

it("keeps a route and its answer together, as the table of contents hangs them in, and names its action", () => {
  const [defined, given] = defineEndpoint("keys.read", route, answer);
  expect(defined).toMatchObject({ ...route, [actionMember]: "keys.read" });
  expect(given).toBe(answer);
  expect(defineOpenEndpoint(route, answer)).toEqual([route, answer]);
});

it("tells how far somebody reaches: a member by their role, an operator by both", () => {
  expect(readReach(principal({ role: "developer" }), "keys.write")).toBe("own");
  expect(readReach(principal({ role: "developer", isOperator: true }), "keys.write")).toBe("all");
  expect(readReach(principal({ role: "viewer" }), "keys.write")).toBeNull();
});

it("names who may, to whoever may not", async () => {
  expect(() => refuseUnlessMay(principal({ role: "owner" }), "keys.write")).not.toThrow();
  const refuse = async (action: Parameters<typeof refuseUnlessMay>[1]) =>
    (await expectRefusal(async () => refuseUnlessMay(principal({}), action), "insufficient_permissions")).details
      .message;
  expect(await refuse("plan.write")).toBe("Only an operator may do this (plan.write).");
  expect(await refuse("budgets.write")).toMatch(/^Only who is owner or admin or operator or billing may/);
  expect(await refuse("invitations.accept")).toBe("Only someone who is signed in may do this (invitations.accept).");
});

it("demands the bodies it describes", () => {
  const schema = z.strictObject({});
  expect(describeJsonBody(schema)).toEqual({ required: true, content: { "application/json": { schema } } });
  expect(describeJsonAnswer("It.", schema)).toEqual({
    description: "It.",
    content: { "application/json": { schema } },
  });
  expect(Object.keys(describeStream("It.", "text/csv").content)).toEqual(["text/csv"]);
});
