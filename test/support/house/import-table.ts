/** What one part of the house may import, and what to do instead of anything else. */
export interface ImportRow {
  part: RegExp;
  may: (to: string, isType: boolean, file: string) => boolean;
  instead: string;
}

const rooms = ["identity", "admission", "routing", "forwarding", "settlement", "storage"];
const isRoom = new RegExp(`^edge/(${rooms.join("|")})/`);
const isLeaf = (to: string) => /^edge\/(protocol|agreements)\/|^edge\/(errors|limits)\.ts$/.test(to);
const isCore = (to: string) => /^edge\/(ledger|fleet)\//.test(to);
const isPort = (to: string) =>
  /^edge\/(ledger|fleet|identity|routing|settlement|storage|control\/(http|sign-in))\/(port|store)\.ts$/.test(to);
const isVisit = (to: string) => to === "edge/visit.ts";
const isTop = (to: string) => /^edge\/(app|env|wiring|pipeline|count-pipeline|key-pipeline|ports)\.ts$/.test(to);
/** Workers have these; they are pure (docs/decisions/0005). */
const isNodeCrypto = (to: string) => to === "node:crypto" || to === "node:buffer";
const isPackage = (to: string) => !/^(edge|origin|infra|clients|test)\//.test(to);
const isOrigin = (to: string) => to.startsWith("origin/");
const always = () => true;

/** `docs/architecture.md` says the same in words. The first row that fits a file is its law. */
export const importTable: readonly ImportRow[] = [
  { part: /^edge\/wiring(\/control)?\.ts$/, may: always, instead: "" },
  {
    part: /^edge\/(worker|app)\.ts$/,
    may: (to) =>
      isTop(to) ||
      isVisit(to) ||
      isLeaf(to) ||
      to.startsWith("edge/doors/") ||
      to === "edge/identity/index.ts" ||
      (to.startsWith("edge/adapters/") && to.endsWith("-object.ts")) ||
      isPackage(to),
    instead: "the door of the house knows its doors, the wiring and the errors",
  },
  {
    part: /^edge\/(env|ports|visit)\.ts$/,
    may: (to, isType) => isLeaf(to) || isVisit(to) || to === "edge/env.ts" || to === "zod" || (isType && !isTop(to)),
    instead: "what every part may import knows leaves, and the types of rooms",
  },
  {
    part: /^edge\/((count|key)-)?pipeline\.ts$/,
    may: (to, isType) =>
      rooms.some((room) => to === `edge/${room}/index.ts`) ||
      isLeaf(to) ||
      isVisit(to) ||
      (isType && to === "edge/ports.ts"),
    instead: "go through the room's index.ts",
  },
  {
    part: /^edge\/doors\//,
    may: (to, _isType, file) =>
      to.startsWith("edge/doors/") ||
      to.startsWith("edge/control/http/") ||
      /^edge\/control\/(sign-in|openai-admin)\/routes\.ts$/.test(to) ||
      rooms.some((room) => to === `edge/${room}/index.ts`) ||
      /^edge\/(((count|key)-)?pipeline|ports|env|wiring|app)\.ts$/.test(to) ||
      isLeaf(to) ||
      isVisit(to) ||
      isNodeCrypto(to) ||
      to === "zod" ||
      (/^(hono|@hono\/zod-openapi)(\/|$)/.test(to) && /\/(site|ollama|nodes|port|control|open-api)/.test(file)),
    instead: "a door turns its wire into a Call, and answers",
  },
  {
    part: isRoom,
    may: (to, _isType, file) =>
      to.split("/")[1] === file.split("/")[1] ||
      isLeaf(to) ||
      isVisit(to) ||
      /^edge\/(ledger|fleet)\/port\.ts$/.test(to) ||
      to === "zod" ||
      (to === "jose" && file.startsWith("edge/identity/")) ||
      isNodeCrypto(to),
    instead: "state the need in the room's port.ts and let pipeline.ts or wiring.ts bring it",
  },
  {
    part: /^edge\/(ledger|fleet)\//,
    may: (to, _isType, file) =>
      to.split("/")[1] === file.split("/")[1] || isLeaf(to) || to === "zod" || isNodeCrypto(to),
    instead: "a core is pure: it knows itself, agreements, errors and limits",
  },
  {
    part: /^edge\/adapters\//,
    may: (to) =>
      isPackage(to) ||
      isLeaf(to) ||
      isCore(to) ||
      isPort(to) ||
      to.startsWith("edge/adapters/") ||
      to === "edge/env.ts",
    instead: "an adapter knows the port it keeps, ledger/ or fleet/, agreements and its own SDK",
  },
  {
    part: /^edge\/control\//,
    may: (to, isType) =>
      to.startsWith("edge/control/") ||
      isLeaf(to) ||
      isVisit(to) ||
      (isType && isPort(to)) ||
      /^(hono|@hono\/zod-openapi|zod)(\/|$)/.test(to),
    instead: "control reaches the data plane only by publishing records through its port",
  },
  {
    part: /^edge\/(protocol|agreements)\/|^edge\/(errors|limits)\.ts$/,
    may: (to, isType) => isLeaf(to) || to === "zod" || isNodeCrypto(to) || (isType && isVisit(to)),
    instead: "leaf modules know zod and each other only",
  },
  {
    part: /^edge\/portal\//,
    may: (to, isType) =>
      to.startsWith("edge/portal/") ||
      /^edge\/(agreements\/records\/windows|control\/permissions)\.ts$/.test(to) ||
      (isType && isLeaf(to)) ||
      isPackage(to),
    instead: "the portal is a customer of the API: it knows its document, and the tables that are the edge's own",
  },
  { part: /^edge\/[\w-]+\.d\.ts$/, may: isPackage, instead: "declarations of the platform know packages" },
  {
    part: /^origin\//,
    may: (to) => isOrigin(to) || isLeaf(to) || isPackage(to),
    instead: "the origin knows itself and the edge's agreements and protocol",
  },
  {
    part: /^clients\//,
    may: (to) =>
      to.startsWith("clients/") || /^edge\/agreements\/records\/(windows|usage-columns)\.ts$/.test(to) || isPackage(to),
    instead: "a client knows the API only, and the names of windows and columns of the bill",
  },
  {
    part: /^infra\/simulator\//,
    may: (to) => to.startsWith("infra/simulator/") || isLeaf(to) || isPackage(to),
    instead: "the simulator stands for an engine: it knows nothing of ours but shapes",
  },
  {
    part: /^infra\/portal\//,
    may: (to) =>
      /^infra\/(portal|local)\//.test(to) ||
      to === "edge/portal/page-list.ts" ||
      /^edge\/(doors\/(site-paths|open-api\/document)|control\/events\/types)\.ts$/.test(to) ||
      isLeaf(to) ||
      isPackage(to),
    instead: "what builds the portal knows its pages, and what the edge says of its API",
  },
  {
    part: /^infra\/local\//,
    may: (to) =>
      to.startsWith("infra/local/") ||
      to === "infra/portal/build-portal.ts" ||
      isLeaf(to) ||
      isOrigin(to) ||
      isPackage(to),
    instead: "the local stack starts programs and knows their settings",
  },
  {
    part: /^infra\/operator\//,
    may: (to) => to.startsWith("infra/operator/") || isLeaf(to) || isPackage(to),
    instead: "an operator's command knows what edge and nodes have agreed on",
  },
  { part: /^infra\/checks\//, may: (to) => !to.startsWith("test/support/faults"), instead: "checks may know anything" },
  { part: /^infra\//, may: (to) => to.startsWith("infra/") || isPackage(to), instead: "give this folder a row" },
];
