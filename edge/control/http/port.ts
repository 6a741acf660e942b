import type { Ledger } from "../../ledger/port.ts";
import type { KeyId, OrgId } from "../../agreements/tokens/ids.ts";
import type { Keyring } from "../../agreements/tokens/key-format.ts";
import type { ModelRecord } from "../../agreements/records/model.ts";
import type { Visit } from "../../visit.ts";
import type { OrgRow } from "../orgs/queries.ts";
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
  /** The models that a key's scope may name. An alias is stored as the id it stands for. */
  models: readonly Pick<ModelRecord, "id" | "aliases">[];
}

/** Who makes the request: an operator reaches every org, an admin their own. */
export interface Admin {
  key: KeyId;
  org: OrgId;
  role: "operator" | "admin";
}

/**
 * Hono's variables. The door sets `visit` and `wiring`, `controlRoutes` takes `control` from it; `authenticate` sets
 * `admin`, `reachOrg` sets `org`.
 */
export interface ControlEnv {
  Variables: { visit: Visit; wiring: { control: ControlPorts }; control: ControlPorts; admin: Admin; org: OrgRow };
}
