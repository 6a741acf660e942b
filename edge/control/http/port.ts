import type { Ledger } from "../../ledger/port.ts";
import type { KeyId, OrgId } from "../../agreements/tokens/ids.ts";
import type { Keyring } from "../../agreements/tokens/key-format.ts";
import type { ModelRecord } from "../../agreements/records/model.ts";
import type { LoadReport, NodeRecord, NodeState } from "../../agreements/records/node.ts";
import type { Mailer } from "../../agreements/mail.ts";
import type { RetentionSwitch } from "../../storage/port.ts";
import type { Visit } from "../../visit.ts";
import type { OrgRow } from "../orgs/queries.ts";
import type { Sessions, SignInProofs } from "../sign-in/port.ts";
import type { Tries } from "../sign-in/tries.ts";
import type { Database } from "./store.ts";

/**
 * What the control plane needs from outside; `wiring.ts` provides it. `bootstrapToken: null` turns the bootstrap off.
 */
export interface ControlPorts {
  db: Database;
  keyring: Keyring;
  bootstrapToken: string | null;
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
  /** Who is signed in, by their cookie; null where nobody can sign in. */
  sessions: Sessions | null;
  /** How people prove who they are; null where nobody can sign in. */
  signIn: { proofs: SignInProofs; tries: Tries } | null;
  /** Null where no mail can be sent. */
  mailer: Mailer | null;
  /** The address under which people reach this gateway; null for the one under which a request comes. */
  publicUrl: string | null;
  /** ISO 4217: what `…Micros` are millionths of. Nothing is converted. */
  currency: string;
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

/** Who makes the request: an operator reaches every org, an admin their own. Their key expires then, or never. */
export interface Admin {
  key: KeyId;
  org: OrgId;
  role: "operator" | "admin";
  expiresAtMs: number | null;
}

/**
 * Hono's variables. The door sets `visit` and `wiring`, `controlRoutes` takes `control` from it; `authenticate` sets
 * `admin`, `reachOrg` sets `org`.
 */
export interface ControlEnv {
  Variables: { visit: Visit; wiring: { control: ControlPorts }; control: ControlPorts; admin: Admin; org: OrgRow };
}
