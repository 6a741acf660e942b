import type { Ledger } from "../../ledger/port.ts";
import type { KeyId, OrgId, UserId } from "../../agreements/tokens/ids.ts";
import type { Keyring } from "../../agreements/tokens/key-format.ts";
import type { MasterKeys } from "../../agreements/sealing.ts";
import type { ModelRecord } from "../../agreements/records/model.ts";
import type { LoadReport, NodeRecord, NodeState } from "../../agreements/records/node.ts";
import type { Mailer } from "../../agreements/mail.ts";
import type { RetentionSwitch } from "../../storage/port.ts";
import type { Visit } from "../../visit.ts";
import type { OrgRow } from "../orgs/queries.ts";
import type { Reach, Role } from "../permissions.ts";
import type { SignInPorts } from "../sign-in/port.ts";
import type { Database } from "./store.ts";

/**
 * What the control plane needs from outside; `wiring.ts` provides it. `bootstrapToken: null` turns the bootstrap off.
 */
export interface ControlPorts {
  db: Database;
  keyring: Keyring;
  bootstrapToken: string | null;
  /** Who is signed in; null where nobody can sign in, and admin keys alone are let in. */
  sessions: Sessions | null;
  /** Whether an operator who is signed in needs a second factor to be one. */
  requiresOperatorMfa: boolean;
  /** The header that tells a caller's address; null where none may be believed. */
  ipHeader: string | null;
  /** How records reach the data plane: when `publish` returns, the next call sees the record (S1). */
  publisher: Pick<Ledger, "publish" | "inspect">;
  /** Sets how long orgs' responses are kept; null where there is nowhere to keep them. */
  retention: RetentionSwitch | null;
  /** Moves an org's ledger to an object of its own; null where ledgers are not kept in objects. */
  mover: { move(org: OrgId): Promise<void> } | null;
  /** The models that are served. Wherever one is named, an alias will do; what is stored is the id it stands for. */
  models: readonly ModelRecord[];
  /** What the nodes have reported. */
  fleet: FleetReports;
  /** How people prove who they are; null where nobody can sign in. */
  signIn: SignInPorts | null;
  /** The secrets of company logins are sealed under these; null where there are none, and no login can be set. */
  loginMasters: MasterKeys | null;
  /** Who may become known here, and make an org. */
  signUp: SignUpRule;
  /** Null where no mail can be sent. */
  mailer: Mailer | null;
  /** The address under which people reach this gateway; null for the one under which a request comes. */
  publicUrl: string | null;
  webhooks: WebhookPorts;
  /** Sends an org's events now, and not only at the next minute. Never rejects. */
  deliverer: { nudge(org: OrgId): Promise<void> };
  /** The reporter's public keys; null where no report of leaked keys is believed. */
  leakKeys: LeakKeys | null;
  /** ISO 4217: what `…Micros` are millionths of. Nothing is converted. */
  currency: string;
}

/** What webhooks need. */
export interface WebhookPorts {
  /** Their secrets are sealed under these; null where there are none, and no webhook can be made. */
  masters: MasterKeys | null;
  resolver: Resolver;
  sender: WebhookSender;
  /** May they lead to `http://127.0.0.1`? Only in development. */
  isLocal: boolean;
  /** Over which time the tries of a delivery are spread; what only fails for so long is switched off. */
  windowMs: number;
}

/** Looks names up. No addresses are a name that is not there; rejects when the name server does not answer. */
export interface Resolver {
  resolve(name: string): Promise<string[]>;
  /** The texts (`TXT`) of a name, by which it is proven whose it is. */
  readTexts(name: string): Promise<string[]>;
}

/** One try at a webhook: the answer's status and how it begins, or why there was none. */
export type WebhookAnswer = { status: number; excerpt: string } | { failure: "timeout" | "connection" };

/** Posts to a webhook, following no redirect and reading little of the answer. Never rejects. */
export interface WebhookSender {
  post(url: string, headers: Record<string, string>, body: string): Promise<WebhookAnswer>;
}

/** Finds a public key by its identifier, as PEM; null when there is none. Rejects when they cannot be read. */
export interface LeakKeys {
  find(identifier: string, nowMs: number): Promise<string | null>;
}

/** The nodes as the edge knows them. `refresh` answers `null` when the view is fresh. */
export interface FleetReports {
  refresh(nowMs: number): Promise<void> | null;
  view(nowMs: number): NodeReport[];
}

/** One node: as configured, and as it has last reported; `null` where it has not. */
export interface NodeReport {
  record: NodeRecord;
  state: NodeState | null;
  heartbeatAgeMs: number | null;
  load: LoadReport | null;
  kvPoolTokens: number | null;
  breaker: "closed" | "open" | "probing";
}

/**
 * Who makes the request: a person by their session, or an admin key. `org` is the key's own; a person has none until
 * the path names one. `role` is theirs in the org that the path names; `person` where it names none. `isOperator` is
 * false of an operator who has yet to show the second factor that is asked of operators; `isHeldUp` then says so.
 */
export interface Principal {
  kind: "key" | "member";
  id: KeyId | UserId;
  name: string;
  org: OrgId | null;
  role: Role;
  isOperator: boolean;
  isHeldUp: boolean;
  /** When their key or session ends; null is never. */
  expiresAtMs: number | null;
  /** The session of a person. */
  person: SignedIn | null;
}

/** A person who is signed in. `hasSecondFactor`: this session was proven by one, or by a passkey, which is two. */
export interface SignedIn {
  user: UserId;
  email: string;
  name: string;
  hasSecondFactor: boolean;
  /** They have set up a second factor, whether or not this session has shown it. */
  isMfaEnabled: boolean;
  isOperator: boolean;
  session: string;
  expiresAtMs: number;
  /** The org whose company login this session began by: it opens nothing but that org. Null for all other ways in. */
  onlyOrg: OrgId | null;
}

/** Who may make an account or an org: everyone, whose address ends in one of `domains`, or only who is invited. */
export interface SignUpRule {
  for: "everyone" | "domains" | "invited";
  domains: readonly string[];
}

/** Who is signed in, by a request's cookie. Null when nobody is; rejects when that cannot be read. */
export interface Sessions {
  find(request: Request, nowMs: number): Promise<SignedIn | null>;
}

/**
 * Hono's variables. The door sets `visit` and `wiring`, `controlRoutes` takes `control` from it; `authenticate` sets
 * `principal`, `reachOrg` sets `org` and the principal's role in it, each endpoint's action sets `reach`.
 */
export interface ControlEnv {
  Variables: {
    visit: Visit;
    wiring: { control: ControlPorts };
    control: ControlPorts;
    principal: Principal;
    org: OrgRow;
    reach: Reach;
  };
}
