import { closedPlaces, knownBodies, knownPlaces, type KnownPlace } from "./known-members.ts";
import type { EngineMembers, EnginePlace } from "./read-openapi.ts";

/** What an engine reads and no table of ours knows, and what tables know that it does not read. */
export interface Comparison {
  /** A sentence for each: its path, and the table to which it is to be added. */
  unknown: string[];
  /** Names that have a row here and that it reads nowhere: OpenAI's own, older names, other engines'. */
  unread: string[];
}

/** Compares all that an engine reads with the tables of members. `unknown` must be empty. */
export function compareMembers(engine: EngineMembers): Comparison {
  const unknown = Array.from(engine).flatMap(([place, found]) => findUnknown(place, found));
  return { unknown: Array.from(new Set(unknown)), unread: findUnread(engine) };
}

/** The table of a place: the request's own for a body, else that of its path within the body. */
function findKnown(place: string): KnownPlace | undefined {
  const bodies: Readonly<Record<string, KnownPlace>> = knownBodies;
  const inner = splitPlace(place).path;
  return inner === "" ? bodies[place] : knownPlaces[inner];
}

/** The request that a place is of, and its path within the body. */
function splitPlace(place: string): { request: string; path: string } {
  const request = Object.keys(knownBodies).find((name) => place === name || place.startsWith(`${name}.`)) ?? place;
  return { request, path: place.slice(request.length + 1) };
}

function findUnknown(place: string, { names, values }: EnginePlace): string[] {
  if (isWithheld(place)) return [];
  const known = findKnown(place);
  if (known === undefined) {
    // Fixed words of a value that has its bound need no table.
    if (names.size === 0) return [];
    return [`${place}: its members (${Array.from(names).join(", ")}) have no table; give it one in ${here}`];
  }
  const has = (name: string) => known.names.includes(name) || Object.hasOwn(known.withheld ?? {}, name);
  const advice = `add it to ${known.where}, or with why to \`withheld\` in ${here}`;
  return [
    ...Array.from(names, (name) => (has(name) ? [] : [`${place}.${name}: no row; ${advice}`])).flat(),
    ...Array.from(values, (value) =>
      known.values === undefined || known.values.includes(value)
        ? []
        : [`${place}: no row for the kind '${value}'; add it to ${known.where}`],
    ).flat(),
  ];
}

const here = "infra/checks/accept/members/known-members.ts";

/** Does the place lie in a member that no engine gets, or in one that is never an object here? */
function isWithheld(place: string): boolean {
  if (closedPlaces.some((closed) => isWithin(splitPlace(place).path, closed))) return true;
  const parent = findParent(place);
  if (parent === null) return false;
  const known = findKnown(parent.place);
  const isKept = known === undefined || known.names.includes(parent.name);
  return !isKept || isWithheld(parent.place);
}

const isWithin = (path: string, outer: string) => path === outer || path.startsWith(`${outer}.`);

/** The object that a place stands in, and the member of it that leads there; none for a body. */
function findParent(place: string): { place: string; name: string } | null {
  const { request, path } = splitPlace(place);
  if (path === "") return null;
  const cut = path.lastIndexOf(".");
  const name = path.slice(cut + 1).replace(/(\[\])+$/, "");
  return { place: cut === -1 ? request : `${request}.${path.slice(0, cut)}`, name };
}

function findUnread(engine: EngineMembers): string[] {
  const read = new Set(Array.from(engine.values(), ({ names }) => Array.from(names)).flat());
  const tables = [...Object.values(knownBodies), ...Object.values(knownPlaces)];
  const known = new Set(tables.flatMap(({ names, withheld }) => [...names, ...Object.keys(withheld ?? {})]));
  return Array.from(known).filter((name) => !read.has(name));
}
