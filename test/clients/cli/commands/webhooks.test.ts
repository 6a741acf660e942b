import { expect, test } from "vitest";
import { webhookCommands } from "#clients/cli/commands/webhooks.ts";
import { Flags, UsageError } from "#clients/cli/input/flags.ts";

const org = "org_abcdefghij";
const id = `wh_${"a".repeat(22)}`;
const base = `/control/orgs/${org}`;

function ask(name: string, ...line: string[]) {
  const command = webhookCommands.find((one) => one.name === name);
  if (!command) throw new Error("no such command");
  return command.question({ flags: new Flags(line, command.options), org, nowMs: 0 });
}

test("each command asks what it says, of the org that is named or meant", () => {
  expect(
    ask("webhooks create", "https://hooks.example.test/", "--type", "key.leaked", "--type", "key.revoked"),
  ).toEqual({
    method: "POST",
    path: `${base}/webhooks`,
    body: { url: "https://hooks.example.test/", types: ["key.leaked", "key.revoked"] },
  });
  expect(ask("webhooks list", "org_0123456789").path).toBe("/control/orgs/org_0123456789/webhooks");
  expect(ask("webhooks set", id, "org_0123456789", "--disable")).toEqual({
    method: "PATCH",
    path: `/control/orgs/org_0123456789/webhooks/${id}`,
    body: { isEnabled: false },
  });
  expect(ask("webhooks set", id, "--type", "all").body).toEqual({ types: null });
  expect(ask("webhooks rotate", id).body).toEqual({ overlapSeconds: 86_400 });
  expect(ask("webhooks rotate", id, "--overlap", "0").body).toEqual({ overlapSeconds: 0 });
  expect(ask("webhooks test", id)).toEqual({ method: "POST", path: `${base}/webhooks/${id}/test` });
  expect(ask("webhooks delete", id)).toEqual({ method: "DELETE", path: `${base}/webhooks/${id}` });
  expect(ask("webhooks deliveries", id, "--status", "failed").query).toMatchObject({ status: "failed" });
  const delivery = `dlv_${"b".repeat(22)}`;
  expect(ask("webhooks redeliver", delivery).path).toBe(`${base}/deliveries/${delivery}/redeliver`);
  expect(ask("events list", "--type", "key.leaked").query).toMatchObject({ type: "key.leaked" });
});

test("what makes no sense is said before anything is asked", () => {
  for (const [name, ...line] of [
    ["webhooks create"],
    ["webhooks set", id],
    ["webhooks set", id, "--enable", "--disable"],
    ["webhooks set", "wh_short", "--enable"],
    ["webhooks rotate", id, "--overlap", "73"],
    ["webhooks rotate", id, "--overlap", "1.5"],
    ["webhooks redeliver", id],
  ] as const)
    expect(() => ask(name, ...line), [name, ...line].join(" ")).toThrow(UsageError);
});

test("the secret is shown with a word to keep it", () => {
  const create = webhookCommands.find(({ name }) => name === "webhooks create");
  const view = create?.show({ id, secret: "whsec_x" }, "");
  expect([view?.notes?.[0], view?.csvOnly]).toEqual(["whsec_x", [["secret", "secret"]]]);
});
