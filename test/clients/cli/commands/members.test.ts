import { expect, test } from "vitest";
import { auditCommands } from "#clients/cli/commands/audit.ts";
import { keyCommands } from "#clients/cli/commands/keys.ts";
import { memberCommands } from "#clients/cli/commands/members.ts";
import { orgCommands } from "#clients/cli/commands/orgs.ts";
import { projectCommands } from "#clients/cli/commands/projects.ts";
import { Flags, UsageError } from "#clients/cli/input/flags.ts";

const all = [...memberCommands, ...projectCommands, ...auditCommands, ...keyCommands, ...orgCommands];
const [org, user, proj, sa, inv] = [
  "org_0123456789",
  ...["user", "proj", "sa", "inv"].map((prefix) => `${prefix}_${"0".repeat(22)}`),
];

function ask(name: string, ...line: (string | undefined)[]) {
  const command = all.find((each) => each.name === name);
  if (!command) throw new Error(`no command ${name}`);
  const words = line.map(String);
  return command.question({ flags: new Flags(words, command.options), org: "org_abcdefghij", nowMs: 0 });
}

test("members and invitations are asked for as the API has them", () => {
  const path = `/control/orgs/${org}`;
  expect(ask("members list").path).toBe("/control/orgs/org_abcdefghij/members");
  expect(ask("members set", org, user, "--role", "viewer")).toEqual({
    method: "PATCH",
    path: `${path}/members/${user}`,
    body: { role: "viewer" },
  });
  expect(ask("members remove", org, user)).toEqual({ method: "DELETE", path: `${path}/members/${user}`, body: {} });
  expect(ask("invitations create", org, "--email", "ada@example.test", "--role", "admin")).toEqual({
    method: "POST",
    path: `${path}/invitations`,
    body: { email: "ada@example.test", role: "admin" },
  });
  expect(ask("invitations resend", org, inv).path).toBe(`${path}/invitations/${inv}/resend`);
  expect(ask("invitations revoke", org, inv)).toMatchObject({ method: "DELETE", path: `${path}/invitations/${inv}` });
});

test("projects and service accounts, and keys in and of them", () => {
  const path = `/control/orgs/${org}`;
  expect(ask("projects create", org, "--name", "x", "--limit", "requestsPerMinute=5")).toEqual({
    method: "POST",
    path: `${path}/projects`,
    body: { name: "x", limits: { requestsPerMinute: 5 } },
  });
  expect(ask("projects set", org, proj, "--archive").body).toEqual({ isArchived: true });
  expect(ask("projects set", org, proj, "--restore", "--name", "y").body).toEqual({ isArchived: false, name: "y" });
  expect(ask("service-accounts create", org, "--name", "x", "--project", proj).body).toEqual({
    name: "x",
    project: proj,
  });
  expect(ask("service-accounts remove", org, sa)).toMatchObject({
    method: "DELETE",
    path: `${path}/service-accounts/${sa}`,
  });
  expect(ask("keys create", org, "--name", "x", "--owner", sa, "--project", "none").body).toEqual({
    name: "x",
    owner: sa,
    project: null,
  });
  expect(ask("keys set", "key_0123456789abcdef", "--owner", user).body).toEqual({ owner: user });
  expect(ask("keys list", org, "--owner", user).query).toMatchObject({ owner: user });
});

test("the log, a second factor for all, and closing", () => {
  expect(ask("audit list", org, "--action", "key.revoked", "--from", "2026-01-31")).toMatchObject({
    path: `/control/orgs/${org}/audit`,
    query: { action: "key.revoked", from: "2026-01-31T00:00:00.000Z" },
  });
  expect(ask("audit export", org)).toEqual({ method: "GET", path: `/control/orgs/${org}/audit/export`, isText: true });
  expect(ask("orgs set", org, "--require-mfa").body).toEqual({ requiresMfa: true });
  expect(ask("orgs set", org, "--allow-no-mfa").body).toEqual({ requiresMfa: false });
  expect(ask("orgs close", org)).toEqual({ method: "DELETE", path: `/control/orgs/${org}`, body: {} });
});

test("what makes no sense is refused before anything is asked", () => {
  for (const line of [
    ["members set", org, "ada@example.test", "--role", "viewer"],
    ["members set", org, user],
    ["members remove", org, `${user}/x`],
    ["invitations create", org, "--email", "ada", "--role", "viewer"],
    ["invitations resend", org, user],
    ["projects set", org, proj],
    ["projects set", org, proj, "--archive", "--restore"],
    ["projects create", org],
    ["orgs set", org, "--require-mfa", "--allow-no-mfa"],
    ["orgs close"],
  ] as const) {
    const [name, ...rest] = line;
    expect(() => ask(name, ...rest), line.join(" ")).toThrow(UsageError);
  }
});
