import type { WorkName } from "./works.ts";

/** Somebody of a demo org, by role. */
export interface CastPerson {
  role: "owner" | "admin" | "developer" | "billing" | "viewer";
  name: string;
  email: string;
}

/** A key of a demo org: whose it is, and what its program does all day. */
export interface CastKey {
  name: string;
  project: string | null;
  /** A role of the org's people, or the name of a service account. */
  owner: string | null;
  /** Its part of the org's calls. */
  weight: number;
  works: { name: WorkName; weight: number }[];
  limits?: Record<string, number>;
  /** What became of it. */
  fate?: "rotated" | "revoked";
}

/** A demo org as it is to be. */
export interface CastOrg {
  name: string;
  plan: "standard" | "professional";
  limits: Record<string, number | null>;
  people: CastPerson[];
  projects: { name: string; limits?: Record<string, number> }[];
  serviceAccounts: { name: string; project: string }[];
  keys: CastKey[];
  /** Of an ordinary working day, before now; and how much of it a day of the weekend has, and an hour of the night. */
  callsADay: number;
  weekendShare: number;
  nightShare: number;
  /** Calls a minute while the stack runs. */
  liveCallsAMinute: number;
}

/** Who looks at all of them. */
export const operatorEmail = "operator@example.test";

function castPeople(domain: string): CastPerson[] {
  return (["owner", "admin", "developer", "billing", "viewer"] as const).map((role) => ({
    role,
    name: `${role[0]?.toUpperCase()}${role.slice(1)}`,
    email: `${role}@${domain}.example.test`,
  }));
}

/**
 * Limits of minutes and hours alone: an org's ledger counts what really passed it, so of a day or a month it would know
 * less than the bill, which has a past that was written.
 */
const sliding = { requestsPerDay: null, tokensPerDay: null, tokensPerMonth: null };

/** The three orgs: one that works all week, one in office hours, one at night. */
export const cast: readonly CastOrg[] = [
  {
    name: "Salt Water Research",
    plan: "professional",
    limits: { ...sliding, requestsPerMinute: 30, requestsPerHour: 600, tokensPerMinute: 8_000 },
    people: castPeople("salt-water"),
    projects: [{ name: "Tide tables" }, { name: "Field notes", limits: { requestsPerMinute: 60 } }],
    serviceAccounts: [
      { name: "nightly index", project: "Tide tables" },
      { name: "help desk", project: "Field notes" },
    ],
    keys: [
      {
        name: "help desk",
        project: "Field notes",
        owner: "help desk",
        weight: 5,
        works: [
          { name: "chat", weight: 4 },
          { name: "assistant", weight: 2 },
          { name: "rerank", weight: 2 },
        ],
        limits: { requestsPerMinute: 40 },
      },
      {
        name: "nightly index",
        project: "Tide tables",
        owner: "nightly index",
        weight: 3,
        works: [{ name: "embed", weight: 1 }],
        fate: "rotated",
      },
      {
        name: "notebook",
        project: null,
        owner: "developer",
        weight: 2,
        works: [
          { name: "message", weight: 2 },
          { name: "sql", weight: 2 },
          { name: "picture", weight: 0.3 },
        ],
      },
      {
        name: "left behind",
        project: null,
        owner: "admin",
        weight: 0.4,
        works: [{ name: "chat", weight: 1 }],
        fate: "revoked",
      },
    ],
    callsADay: 900,
    weekendShare: 0.45,
    nightShare: 0.25,
    liveCallsAMinute: 5,
  },
  {
    name: "Harbour Library",
    plan: "standard",
    limits: { ...sliding, requestsPerMinute: 20, requestsPerHour: 300, tokensPerMinute: 4_000 },
    people: castPeople("harbour-library"),
    projects: [{ name: "Catalogue" }, { name: "Reading aloud" }],
    serviceAccounts: [{ name: "catalogue search", project: "Catalogue" }],
    keys: [
      {
        name: "catalogue search",
        project: "Catalogue",
        owner: "catalogue search",
        weight: 5,
        works: [
          { name: "embed", weight: 3 },
          { name: "rerank", weight: 3 },
          { name: "sql", weight: 2 },
        ],
      },
      {
        name: "reading aloud",
        project: "Reading aloud",
        owner: "developer",
        weight: 2,
        works: [
          { name: "speech", weight: 3 },
          { name: "chat", weight: 1 },
        ],
      },
    ],
    callsADay: 420,
    weekendShare: 0.2,
    nightShare: 0.03,
    liveCallsAMinute: 3,
  },
  {
    name: "Night Shift Bakery",
    plan: "standard",
    limits: { ...sliding, requestsPerMinute: 12, requestsPerHour: 150, tokensPerMinute: 2_500 },
    people: castPeople("night-shift"),
    projects: [{ name: "Order desk" }],
    serviceAccounts: [{ name: "order desk", project: "Order desk" }],
    keys: [
      {
        name: "order desk",
        project: "Order desk",
        owner: "order desk",
        weight: 3,
        works: [
          { name: "chat", weight: 3 },
          { name: "message", weight: 1 },
        ],
        limits: { requestsPerHour: 300 },
      },
      {
        name: "shop window",
        project: null,
        owner: "owner",
        weight: 1,
        works: [
          { name: "picture", weight: 1 },
          { name: "chat", weight: 2 },
        ],
      },
    ],
    callsADay: 130,
    weekendShare: 1.3,
    nightShare: 1.8,
    liveCallsAMinute: 2,
  },
];
