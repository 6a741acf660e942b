import { readList, read, type Column } from "../output/table.ts";
import { currencyIn, type Command } from "./command.ts";

const sessionColumns: Column[] = [
  ["edge", "edge"],
  ["key", "key.id"],
  ["key's name", "key.name"],
  ["role", "key.role"],
  ["expires", "key.expiresAt"],
  ["org", "org.id"],
  ["org's name", "org.name"],
  ["plan", "org.plan"],
];
const modelColumns: Column[] = [
  ["ID", "id"],
  ["ALIASES", "aliases"],
  ["CONTEXT", "contextTokensMax"],
  ["ENDPOINTS", "endpoints"],
  ["PROMPT", "prices.shared.promptMicrosPerMTok", "money"],
  ["COMPLETION", "prices.shared.completionMicrosPerMTok", "money"],
  ["COMPLEX PROMPT", "prices.complex.promptMicrosPerMTok", "money"],
  ["COMPLEX COMPLETION", "prices.complex.completionMicrosPerMTok", "money"],
];
const nodeColumns: Column[] = [
  ["ID", "id"],
  ["TIER", "tier"],
  ["KIND", "kind"],
  ["STATE", "state"],
  ["HEARD", "heardAt"],
  ["BREAKER", "breaker"],
  ["RUNNING", "load.running"],
  ["WAITING", "load.waiting"],
  ["KV USED", "load.kvUsed", "share"],
  ["MODELS", "models"],
  ["URL", "url"],
];
const healthColumns: Column[] = [
  ["MODEL", "model"],
  ["READY NODES", "nodes"],
];

/** `penstock whoami`, `models`, `nodes` and `health`: what the CLI is connected to. */
export const fleetCommands: readonly Command[] = [
  {
    name: "whoami",
    usage: "",
    about: "Show which edge, key, role and org the other commands work with.",
    options: {},
    words: 0,
    question: () => ({ method: "GET", path: "/control/whoami" }),
    show: (answer, edge) => {
      return {
        columns: sessionColumns,
        rows: [{ edge, key: read(answer, "key"), org: read(answer, "org") }],
        isOne: true,
      };
    },
  },
  {
    name: "models",
    usage: "",
    about: "List the models that are served: aliases, context, endpoints, prices.",
    options: {},
    words: 0,
    question: () => ({ method: "GET", path: "/control/models" }),
    show: (answer) => ({
      columns: modelColumns,
      rows: readList(answer, "models"),
      none: "No model is served.",
      notes: ["Prices are for a million tokens. Where a command takes MODEL, an alias will do."],
      ...currencyIn(answer),
    }),
  },
  {
    name: "nodes",
    usage: "",
    about: "List the nodes and what each has last reported (operators).",
    more: ["A node that has not been heard of has no STATE. 'penstock health' needs no operator's key."],
    options: {},
    words: 0,
    question: () => ({ method: "GET", path: "/control/nodes" }),
    show: (answer) => ({ columns: nodeColumns, rows: readList(answer, "nodes"), none: "There are no nodes." }),
  },
  {
    name: "health",
    usage: "",
    about: "Show which nodes are ready for each model. Needs no key.",
    options: {},
    words: 0,
    credential: "none",
    question: () => ({ method: "GET", path: "/health", mayAnswer: 503 }),
    show: (answer) => {
      const backends = read(answer, "backends");
      const rows = Object.entries(typeof backends === "object" && backends !== null ? backends : {});
      return {
        columns: healthColumns,
        rows: rows.map(([model, nodes]) => ({ model, nodes: Array.isArray(nodes) && nodes.length > 0 ? nodes : null })),
        none: "No model is served.",
        notes: [`The edge is ${String(read(answer, "status"))}.`],
      };
    },
  },
];
