import { UsageError, type Flags } from "../input/flags.ts";
import { clean, read, readList, type Column } from "../output/table.ts";
import { readId, showOne, type Command } from "./command.ts";

const operatorColumns: Column[] = [
  ["ID", "id"],
  ["EMAIL", "email"],
  ["NAME", "name"],
  ["HAS SIGNED IN", "hasSignedIn"],
];

/** `penstock operators …`, and how to sign in to a stack on this machine. */
export const peopleCommands: readonly Command[] = [
  {
    name: "operators list",
    usage: "",
    about: "List the people who are operators (operators).",
    options: {},
    words: 0,
    question: () => ({ method: "GET", path: "/control/operators" }),
    show: (answer) => ({
      columns: operatorColumns,
      rows: readList(answer, "rows"),
      none: "Nobody is an operator; operators' keys are listed by 'penstock keys list'.",
    }),
  },
  {
    name: "operators add",
    usage: "EMAIL",
    about: "Make whoever proves this address an operator (operators).",
    options: {},
    words: 1,
    question: ({ flags }) => ({ method: "POST", path: "/control/operators", body: { email: readEmail(flags) } }),
    show: (answer) => showOne(operatorColumns, answer),
  },
  {
    name: "operators remove",
    usage: "USER",
    about: "Make an operator a person like others, from her next request on (operators).",
    options: {},
    words: 1,
    question: ({ flags }) => {
      const user = readId(flags, { at: 0, name: "USER" }, "user", "operators list");
      return { method: "DELETE", path: `/control/operators/${user}`, body: {} };
    },
    show: (answer) => showOne(operatorColumns, answer),
  },
  {
    name: "code",
    usage: "EMAIL",
    about: "Get a code to sign in with. On this machine's own stack it is shown; elsewhere it is mailed.",
    options: {},
    words: 1,
    credential: "none",
    question: ({ flags }) => ({
      method: "POST",
      path: "/auth/codes",
      body: { email: readEmail(flags) },
      isPages: true,
    }),
    show: (answer) => ({
      columns: [
        ["code", "localCode"],
        ["good for (seconds)", "expiresInSeconds"],
      ],
      rows: [answer],
      isOne: true,
      notes: read(answer, "localCode") === null ? ["The code is in the mail."] : [],
    }),
  },
];

function readEmail(flags: Flags): string {
  const email = flags.word(0, "EMAIL");
  if (!/^\S+@\S+$/.test(email)) throw new UsageError(`EMAIL must be an address of mail; not '${clean(email)}'.`);
  return email;
}
