import { readBound } from "../input/times.ts";
import { UsageError, type Option } from "../input/flags.ts";
import { readList, type Column } from "../output/table.ts";
import { readHeadKey, verifyLog } from "../audit/verify.ts";
import { nextPage, orgPath, pageOptions, pageQuery, type Command, type LocalCommand } from "./command.ts";

const entryColumns: Column[] = [
  ["SEQ", "seq"],
  ["AT", "at"],
  ["BY", "actor.name"],
  ["KIND", "actor.kind"],
  ["ACTION", "action"],
  ["TARGET", "target"],
  ["BEFORE", "before"],
  ["AFTER", "after"],
];

const filterOptions: Record<string, Option> = {
  actor: { value: "ID", about: "Only what this key (key_…) or person (user_…) did." },
  action: { value: "ACTION", about: "Only this, such as key.revoked." },
  target: { value: "ID", about: "Only what was done to this." },
  from: { value: "WHEN", about: "From a date, a moment, or a time ago (7d, 12h)." },
  to: { value: "WHEN", about: "Up to a date (its end), a moment, or a time ago." },
};

/** `penstock audit list` and `penstock audit export` */
export const auditCommands: readonly Command[] = [
  {
    name: "audit list",
    usage: "[ORG]",
    about: "List what was done to an org, newest first.",
    options: { ...filterOptions, ...pageOptions },
    words: 1,
    mayOmitOrg: true,
    question: (input) => {
      const { flags, nowMs } = input;
      const given = { actor: flags.one("actor"), action: flags.one("action"), target: flags.one("target") };
      const span = { from: readBound("from", flags.one("from"), nowMs), to: readBound("to", flags.one("to"), nowMs) };
      return { method: "GET", path: `${orgPath(input)}/audit`, query: { ...pageQuery(flags), ...given, ...span } };
    },
    show: (answer) => ({
      columns: entryColumns,
      rows: readList(answer, "entries"),
      none: "There is nothing.",
      notes: nextPage(answer),
    }),
  },
  {
    name: "audit export",
    usage: "[ORG]",
    about: "Print an org's whole log, as 'penstock audit verify' reckons it again.",
    options: {},
    words: 1,
    mayOmitOrg: true,
    question: (input) => ({ method: "GET", path: `${orgPath(input)}/audit/export`, isText: true }),
    show: () => ({ columns: [], rows: [] }),
  },
];

/** `penstock audit verify` */
export const verifyCommand: LocalCommand = {
  name: "audit verify",
  usage: "FILE",
  about: "Reckon an exported log's chain again, and say where it breaks. Asks no edge.",
  more: [
    "An entry that was changed, left out, put in or moved breaks the chain. That the end was cut off shows only by a",
    "signed head: give the public half of the deployment's AUDIT_KEY.",
  ],
  options: { "public-key": { value: "FILE", about: "The key that signed the heads: an Ed25519 JWK." } },
  words: 1,
  answer: (flags, readFile) => {
    const keyFile = flags.one("public-key");
    const key = keyFile === undefined ? null : readHeadKey(readFile(keyFile));
    if (keyFile !== undefined && key === null) throw new UsageError("--public-key holds no Ed25519 JWK.");
    const found = verifyLog(readFile(flags.word(0, "FILE")), key);
    return { text: found.text, isGood: found.isWhole };
  },
};
