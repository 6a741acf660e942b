import { isObject } from "../../agreements/json.ts";
import type { Database } from "../../control/http/store.ts";
import type { ProofAsking, SignInOutcome, SignInProofs, SignInStep } from "../../control/sign-in/port.ts";
import { Refusal, type RefusalCode } from "../../errors.ts";
import type { AuthOptions } from "./open-auth.ts";

/** What the proofs are made with. */
export interface ProofsOptions {
  db: Database;
  secrets: AuthOptions["secrets"];
  ipHeader: string | null;
  random: (bytes: number) => Uint8Array;
  maySignUp: (email: string, nowMs: number) => Promise<boolean>;
  spendTotp: (user: string, code: string, nowMs: number) => Promise<boolean>;
}

/** A step as better-auth knows it. */
interface AuthRoute {
  method: "GET" | "POST";
  path: string;
  body?: object;
}

/**
 * Proves who people are by better-auth. The library is loaded with the first step that anybody takes, and opened anew
 * for each: what it holds belongs to one request.
 */
export function betterAuthProofs(options: ProofsOptions): SignInProofs {
  return {
    async take(step, asking) {
      const { openAuth } = await import("./open-auth.ts");
      const watched = watch(options.db);
      let code: string | null = null;
      const auth = openAuth({
        ...options,
        db: watched.db,
        origin: asking.origin,
        now: () => asking.nowMs,
        maySignUp: (email) => options.maySignUp(email, asking.nowMs),
        keepCode: (made) => void (code = made),
        spendTotp: (user, given) => options.spendTotp(user, given, asking.nowMs),
        log: (message) => asking.log("sign_in", { why: cleanMessage(message) }),
      });
      const answer = await auth.handler(writeRequest(chooseRoute(step), asking));
      // Better-auth turns every failure into an answer of its own; a store that is out of reach is ours to tell.
      const failure = watched.failure();
      if (failure instanceof Refusal) throw failure;
      return await readOutcome(answer, step, () => code);
    },
  };
}

/** What each step is to better-auth; the members that it takes are written here one by one. */
function chooseRoute(step: SignInStep): AuthRoute {
  switch (step.kind) {
    case "makeCode":
      return post("/email-otp/send-verification-otp", { email: step.email, type: "sign-in" });
    case "enterCode":
      return post("/sign-in/email-otp", { email: step.email, otp: step.code, ...(step.name && { name: step.name }) });
    case "enterTotp":
      return post("/two-factor/verify-totp", { code: step.code });
    case "enterBackupCode":
      return post("/two-factor/verify-backup-code", { code: step.code });
    case "askPasskey":
      return { method: "GET", path: "/passkey/generate-authenticate-options" };
    case "showPasskey":
      return post("/passkey/verify-authentication", { response: step.response });
    case "enterByIssuer": {
      const { provider, subject, email, name, isStrong, onlyOrg } = step;
      return post("/penstock/issuer", { provider, subject, email, name, isStrong, onlyOrg });
    }
    case "signOut":
      return post("/sign-out", {});
    case "offerPasskey":
      return { method: "GET", path: "/passkey/generate-register-options" };
    case "addPasskey":
      return post("/passkey/verify-registration", { response: step.response, name: step.name });
    case "addTotp":
      return post("/two-factor/enable", { method: "totp" });
    case "removeTotp":
      return post("/two-factor/disable", {});
    case "renewBackupCodes":
      return post("/two-factor/generate-backup-codes", {});
  }
}

const post = (path: string, body: object): AuthRoute => ({ method: "POST", path, body });

/** Better-auth sees the cookies and who asks, and of the rest what we have read ourselves. */
function writeRequest({ method, path, body }: AuthRoute, { request, origin }: ProofAsking): Request {
  const headers = new Headers({ origin });
  for (const [name, value] of request.headers)
    if (name !== "origin" && name !== "content-type" && name !== "content-length" && name !== "authorization")
      headers.set(name, value);
  if (body) headers.set("content-type", "application/json");
  return new Request(`${origin}/auth${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) });
}

async function readOutcome(answer: Response, step: SignInStep, readCode: () => string | null): Promise<SignInOutcome> {
  const text = await answer.text();
  const body = readJson(text);
  const cookies = answer.headers.getSetCookie();
  if (answer.status >= 400) throw createRefusal(answer.status, body, step);
  return { body, cookies, code: readCode() };
}

function readJson(text: string): unknown {
  try {
    return text === "" ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

/** Steps at which whoever is not signed in is told so; at others a 401 means that a proof was wrong. */
const needsSession = new Set(["offerPasskey", "addPasskey", "addTotp", "removeTotp", "renewBackupCodes"]);
const codeSteps = new Set(["enterCode", "enterTotp", "enterBackupCode"]);
const tooMany = /TOO_MANY|LOCKED/;

/** A refusal in our own words: better-auth's tell which part of a proof was wrong. */
function createRefusal(status: number, body: unknown, { kind }: SignInStep): Refusal {
  const reason = isObject(body) && typeof body["code"] === "string" ? body["code"] : String(status);
  const make = (code: RefusalCode, message?: string) =>
    new Refusal(code, {
      log: `${kind}: ${/^[A-Z\d_]{1,60}$/.test(reason) ? reason : status}`,
      ...(message !== undefined && { message }),
    });
  if (reason === "SIGN_UP_CLOSED") return make("sign_up_closed");
  if (status >= 500 && kind !== "addPasskey") return make("internal");
  if (status === 429 || tooMany.test(reason))
    return make("rate_limit_exceeded", "Too many tries. Ask for a new code, or wait a quarter of an hour.");
  if (reason === "SESSION_NOT_FRESH") return make("session_too_old");
  if (reason === "TOTP_ALREADY_ENABLED") return make("conflict", "There is a second factor already. Remove it first.");
  if (/TWO_FACTOR_COOKIE/.test(reason)) return make("sign_in_failed");
  if (/NOT_ENABLED/.test(reason)) return make("conflict", "There is no second factor.");
  if (needsSession.has(kind) && status === 401) return make("not_signed_in");
  return make(codeSteps.has(kind) ? "invalid_code" : "sign_in_failed");
}

/** Nothing that looks like an address of mail, or like a secret, goes to the log. */
function cleanMessage(message: string): string {
  return message
    .slice(0, 200)
    .replaceAll(/\S+@\S+/g, "…")
    .replaceAll(/[\w-]{24,}/g, "…");
}

/** Remembers the first failure of a store: better-auth would tell it as its own. */
function watch(db: Database): { db: Database; failure: () => unknown } {
  let failure: unknown;
  const keep = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (cause) {
      failure ??= cause;
      throw cause;
    }
  };
  const wrap = (statement: ReturnType<Database["prepare"]>): ReturnType<Database["prepare"]> => ({
    bind: (...values) => wrap(statement.bind(...values)),
    first: () => keep(statement.first()),
    all: () => keep(statement.all()),
    run: () => keep(statement.run()),
  });
  return { db: { ...db, prepare: (sql) => wrap(db.prepare(sql)) }, failure: () => failure };
}
