import { UsageError, type Flags, type Option } from "../input/flags.ts";
import { clean, read, readList, type Column } from "../output/table.ts";
import type { View } from "../output/view.ts";
import { nextPage, orgPath, pageOptions, pageQuery, readId, showOne, type Command, type Given } from "./command.ts";

const roleOption: Option = { value: "ROLE", about: "owner, admin, developer, billing or viewer." };

const memberColumns: Column[] = [
  ["ID", "user"],
  ["EMAIL", "email"],
  ["NAME", "name"],
  ["ROLE", "role"],
  ["SINCE", "createdAt"],
];
const invitationColumns: Column[] = [
  ["ID", "id"],
  ["EMAIL", "email"],
  ["ROLE", "role"],
  ["STATE", "state"],
  ["EXPIRES", "expiresAt"],
  ["INVITED BY", "invitedBy"],
];

/** `penstock members …` and `penstock invitations …` */
export const memberCommands: readonly Command[] = [
  {
    name: "members list",
    usage: "[ORG]",
    about: "List an org's members, the newest first.",
    options: pageOptions,
    words: 1,
    mayOmitOrg: true,
    question: (input) => ({ method: "GET", path: `${orgPath(input)}/members`, query: pageQuery(input.flags) }),
    show: (answer) => ({
      columns: memberColumns,
      rows: readList(answer, "members"),
      none: "There are no members: keys alone reach this org.",
      notes: nextPage(answer),
    }),
  },
  {
    name: "members set",
    usage: "ORG USER",
    about: "Set a member's role.",
    more: ["Who no longer reaches every key loses the admin keys that are theirs. The last owner stays one."],
    options: { role: roleOption },
    words: 2,
    question: (input) => ({ method: "PATCH", path: memberPath(input), body: { role: readRole(input.flags) } }),
    show: (answer) => showOne(memberColumns, answer),
  },
  {
    name: "members remove",
    usage: "ORG USER",
    about: "Remove a member, and revoke their keys.",
    more: ["Hand over first what shall go on: penstock keys set KEY_ID --owner OTHER."],
    options: {},
    words: 2,
    question: (input) => ({ method: "DELETE", path: memberPath(input), body: {} }),
    show: (answer) =>
      showOne(
        [
          ["ID", "user"],
          ["REVOKED KEYS", "revokedKeys"],
        ],
        answer,
      ),
  },
  {
    name: "invitations create",
    usage: "[ORG]",
    about: "Invite somebody, by mail.",
    more: ["", "Example: penstock invitations create --email ada@example.test --role developer"],
    options: { email: { value: "EMAIL", about: "The address of mail." }, role: roleOption },
    words: 1,
    mayOmitOrg: true,
    question: (input) => ({
      method: "POST",
      path: `${orgPath(input)}/invitations`,
      body: { email: readEmail(input.flags), role: readRole(input.flags) },
    }),
    show: showMailed,
  },
  {
    name: "invitations list",
    usage: "[ORG]",
    about: "List an org's invitations, newest first.",
    options: pageOptions,
    words: 1,
    mayOmitOrg: true,
    question: (input) => ({ method: "GET", path: `${orgPath(input)}/invitations`, query: pageQuery(input.flags) }),
    show: (answer) => ({
      columns: invitationColumns,
      rows: readList(answer, "invitations"),
      none: "There are no invitations.",
      notes: nextPage(answer),
    }),
  },
  {
    name: "invitations resend",
    usage: "ORG INVITATION",
    about: "Mail an invitation again, with another link.",
    options: {},
    words: 2,
    question: (input) => ({ method: "POST", path: `${invitationPath(input)}/resend`, body: {} }),
    show: showMailed,
  },
  {
    name: "invitations revoke",
    usage: "ORG INVITATION",
    about: "Take an invitation back.",
    options: {},
    words: 2,
    question: (input) => ({ method: "DELETE", path: invitationPath(input), body: {} }),
    show: (answer) => showOne(invitationColumns, answer),
  },
];

function memberPath(input: Given): string {
  const user = readId(input.flags, { at: 1, name: "USER" }, "user", "members list");
  return `${orgPath({ ...input, org: undefined })}/members/${user}`;
}

function invitationPath(input: Given): string {
  const invitation = readId(input.flags, { at: 1, name: "INVITATION" }, "inv", "invitations list");
  return `${orgPath({ ...input, org: undefined })}/invitations/${invitation}`;
}

function readRole(flags: Flags): string {
  const role = flags.one("role");
  if (!role) throw new UsageError(`--role is missing: ${roleOption.about}`);
  return role;
}

function readEmail(flags: Flags): string {
  const email = flags.one("email") ?? "";
  if (!/^\S+@\S+$/.test(email)) throw new UsageError(`--email must be an address of mail; not '${clean(email)}'.`);
  return email;
}

function showMailed(answer: unknown): View {
  const unsent = `The mail did not go out: send it again, or hand over ${clean(read(answer, "link"))}`;
  const note = read(answer, "isMailed") === true ? "The mail is on its way." : unsent;
  return { ...showOne(invitationColumns, answer), notes: [note] };
}
