import { createAdapterFactory } from "better-auth/adapters";
import { digestBody } from "../../agreements/digest.ts";
import { isObject } from "../../agreements/json.ts";
import type { Database } from "../../control/http/store.ts";
import { nameColumn, toColumnValue, writeWhere, type Condition, type SqlPiece } from "./sql.ts";

/** The tables of infra/migrations/0008_auth.sql by better-auth's names. A model that is not here has none. */
const tables: Readonly<Record<string, string>> = {
  user: "auth_users",
  session: "auth_sessions",
  account: "auth_accounts",
  verification: "auth_verifications",
  twoFactor: "auth_two_factors",
  passkey: "auth_passkeys",
};

/** What better-auth would keep and nobody here needs: an issuer's tokens, passwords. There is no column for them. */
const forgotten = new Set([
  "accessToken",
  "refreshToken",
  "idToken",
  "accessTokenExpiresAt",
  "refreshTokenExpiresAt",
  "password",
]);

type AuthRow = Record<string, unknown>;
type Attributes = (asking: { model: string; field: string }) => { type: unknown };

/**
 * Better-auth's tables in D1, each statement atomic by itself. Of a session's token the digest is stored: a read by
 * token gives the token back that was found for, any other read gives the digest, which opens nothing.
 */
export function d1AuthDatabase(db: Database) {
  return createAdapterFactory({
    config: { adapterId: "penstock-d1", adapterName: "D1", transaction: false },
    adapter: ({ getFieldAttributes }) => {
      const store = openStore(db, getFieldAttributes);
      return {
        create: async <T extends AuthRow>({ model, data }: { model: string; data: T }) => {
          await store.insert(model, data);
          return data;
        },
        update: async <T>({ model, where, update }: { model: string; where: Condition[]; update: T }) =>
          as<T>(await store.update(model, where, isObject(update) ? update : {})),
        updateMany: async ({ model, where, update }) => (await store.updateAll(model, where, update)).length,
        findOne: async <T>({ model, where }: { model: string; where: Condition[] }) =>
          as<T>((await store.select(model, where, { limit: 1 }))[0]),
        findMany: async <T>({ model, where = [], ...page }: AuthPage & { model: string }) =>
          (await store.select(model, where, page)) as T[],
        delete: async ({ model, where }) => void (await store.remove(model, where)),
        deleteMany: async ({ model, where }) => (await store.remove(model, where)).length,
        consumeOne: async <T>({ model, where }: { model: string; where: Condition[] }) =>
          as<T>((await store.remove(model, where, true))[0]),
        incrementOne: async <T>({ model, where, increment, set = {} }: Increment) =>
          as<T>(await store.update(model, where, set, increment)),
        count: async ({ model, where = [] }) => await store.count(model, where),
      };
    },
  });
}

interface AuthPage {
  where?: Condition[] | undefined;
  limit: number;
  sortBy?: { field: string; direction: "asc" | "desc" } | undefined;
  offset?: number | undefined;
}

interface Increment {
  model: string;
  where: Condition[];
  increment: Record<string, number>;
  set?: AuthRow | undefined;
}

/** Better-auth names the type of what it found for; a row is what it is. */
const as = <T>(row: AuthRow | undefined): T | null => (row === undefined ? null : (row as T));

function openStore(db: Database, attributes: Attributes) {
  const columns = openColumns(attributes);
  const pick = (model: string, where: readonly Condition[]) => {
    const { sql, values } = columns.where(model, where);
    return { sql: ` WHERE id = (SELECT id FROM ${readTable(model)}${sql} LIMIT 1)`, values };
  };
  const change = (model: string, where: SqlPiece, set: AuthRow, increment?: Record<string, number>) =>
    run(db, columns, model, writeUpdate(columns, model, { where, set, increment: increment ?? {} }));
  return {
    async insert(model: string, data: AuthRow): Promise<void> {
      const written = columns.write(model, data);
      const names = written.map(({ column }) => column).join(", ");
      const marks = written.map(() => "?").join(", ");
      const values = written.map(({ value }) => value);
      await run(db, columns, model, { sql: `INSERT INTO ${readTable(model)} (${names}) VALUES (${marks})`, values });
    },
    async select(model: string, where: readonly Condition[], page: AuthPage): Promise<AuthRow[]> {
      const rows = await run(db, columns, model, writeSelect(columns, model, { ...page, where: [...where] }));
      return rows.map((row) => giveToken(model, row, where));
    },
    async update(model: string, where: readonly Condition[], set: AuthRow, increment?: Record<string, number>) {
      const [row] = await change(model, pick(model, where), set, increment);
      return row && giveToken(model, row, where);
    },
    updateAll: (model: string, where: readonly Condition[], set: AuthRow) =>
      change(model, columns.where(model, where), set),
    remove(model: string, where: readonly Condition[], isOne = false): Promise<AuthRow[]> {
      const { sql, values } = isOne ? pick(model, where) : columns.where(model, where);
      if (sql === "") throw new RangeError("nobody means to delete a whole table");
      return run(db, columns, model, { sql: `DELETE FROM ${readTable(model)}${sql} RETURNING *`, values });
    },
    async count(model: string, where: readonly Condition[]): Promise<number> {
      const { sql, values } = columns.where(model, where);
      const select = db.prepare(`SELECT count(*) AS n FROM ${readTable(model)}${sql}`);
      const row = await select.bind(...values).first();
      return isObject(row) ? Number(row["n"]) : 0;
    },
  };
}

type Columns = ReturnType<typeof openColumns>;

async function run(db: Database, columns: Columns, model: string, { sql, values }: SqlPiece): Promise<AuthRow[]> {
  const { results } = await db
    .prepare(sql)
    .bind(...values)
    .all();
  return results.filter(isObject).map((row) => columns.read(model, row));
}

function writeUpdate(
  columns: Columns,
  model: string,
  { where, set, increment }: { where: SqlPiece; set: AuthRow; increment: Record<string, number> },
): SqlPiece {
  const parts = [
    ...columns.write(model, set).map(({ column, value }) => ({ sql: `${column} = ?`, value })),
    ...Object.entries(increment).map(([field, by]) => {
      const column = columns.name(model, field);
      return { sql: `${column} = COALESCE(${column}, 0) + ?`, value: by };
    }),
  ];
  return {
    sql: `UPDATE ${readTable(model)} SET ${parts.map(({ sql }) => sql).join(", ")}${where.sql} RETURNING *`,
    values: [...parts.map(({ value }) => value), ...where.values],
  };
}

/** Of rows of one moment the later one comes first: better-auth takes the newest for the one that is good. */
function writeSelect(columns: Columns, model: string, { where = [], limit, offset = 0, sortBy }: AuthPage): SqlPiece {
  const { sql, values } = columns.where(model, where);
  const order = sortBy
    ? ` ORDER BY ${columns.name(model, sortBy.field)} ${sortBy.direction === "desc" ? "DESC" : "ASC"}, rowid DESC`
    : "";
  return {
    sql: `SELECT * FROM ${readTable(model)}${sql}${order} LIMIT ? OFFSET ?`,
    values: [...values, limit, offset],
  };
}

/** How fields and columns stand for each other. */
function openColumns(attributes: Attributes) {
  const readType = (model: string, field: string) => (field === "id" ? "string" : attributes({ model, field }).type);
  const name = (model: string, field: string): string =>
    isToken(model, field) ? "token_digest" : nameColumn(field, readType(model, field) === "date");
  return {
    name,
    write(model: string, data: AuthRow) {
      return Object.entries(data)
        .filter(([field, value]) => value !== undefined && !forgotten.has(field))
        .map(([field, value]) => ({
          column: name(model, field),
          value: toColumnValue(hide(model, field, value)),
        }));
    },
    where(model: string, conditions: readonly Condition[]): SqlPiece {
      const hidden = conditions.map((one) => ({ ...one, value: hide(model, one.field, one.value) }));
      return writeWhere(hidden, (field) => name(model, field));
    },
    read(model: string, row: AuthRow): AuthRow {
      return Object.fromEntries(
        Object.entries(row).map(([column, value]) => {
          const field = nameField(column);
          const type = readType(model, field);
          if (value === null) return [field, null];
          if (type === "date") return [field, new Date(Number(value))];
          return [field, type === "boolean" ? value === 1 : value];
        }),
      );
    },
  };
}

/** The field of a column: what `nameColumn` made, and the two that it could not be told from. */
function nameField(column: string): string {
  if (column === "token_digest") return "token";
  if (column === "credential_id") return "credentialID";
  return column.replace(/_ms$/, "").replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

const isToken = (model: string, field: string) => model === "session" && field === "token";

function hide(model: string, field: string, value: unknown): unknown {
  if (!isToken(model, field)) return value;
  return Array.isArray(value) ? value.map((one) => digestBody(String(one))) : digestBody(String(value));
}

/** A row that was found for by its token has it; of others nobody knows it. */
function giveToken(model: string, row: AuthRow, where: readonly Condition[]): AuthRow {
  const found = where.find(({ field, operator = "eq" }) => isToken(model, field) && operator === "eq");
  return found === undefined ? row : { ...row, token: found.value };
}

function readTable(model: string): string {
  const table = tables[model];
  if (table === undefined) throw new RangeError(`better-auth found for a table that is not kept`);
  return table;
}
