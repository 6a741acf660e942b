import { digestBody } from "../../agreements/digest.ts";
import { HmacKey } from "../../agreements/hmac.ts";
import { isSameText } from "../../agreements/tokens/key-format.ts";
import type { Database } from "../http/store.ts";
import type { Sessions } from "../http/port.ts";
import { findSession, touchSession } from "./queries.ts";

/** The cookie that a session is known by, as `cookiePrefix` of the adapter makes it. */
export const sessionCookie = "__Host-penstock.session_token";

const encoder = new TextEncoder();
const tokenCharsMax = 128;

/**
 * Finds sessions by their cookie without the library that made them: its token is signed, so a forged one costs no
 * look-up, and the row is found by the token's digest. A session that has ended, or was ended, is none at the next
 * request; one that is used lives on, an hour at a time.
 */
export function openSessions(db: Database, secret: string): Sessions {
  const key = new HmacKey(encoder.encode(secret));
  return {
    async find(request, nowMs) {
      const token = readToken(request.headers.get("cookie") ?? "", key);
      if (token === null) return null;
      const row = await findSession(db, digestBody(token), nowMs);
      if (!row) return null;
      return {
        user: row.user_id,
        email: row.email,
        name: row.name,
        hasSecondFactor: row.has_second_factor === 1,
        isMfaEnabled: row.two_factor_enabled === 1,
        // A company login makes nobody an operator: its org is who says so.
        isOperator: row.is_operator === 1 && row.only_org === null,
        session: row.id,
        expiresAtMs: await touchSession(db, row, nowMs),
        onlyOrg: row.only_org,
      };
    },
  };
}

/** The token of a signed cookie; null where there is none, or two that differ, or one that we did not sign. */
function readToken(header: string, key: HmacKey): string | null {
  const values = header
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${sessionCookie}=`))
    .map((pair) => decode(pair.slice(sessionCookie.length + 1)));
  const [value] = values;
  if (value === undefined || new Set(values).size > 1) return null;
  const at = value.lastIndexOf(".");
  const token = value.slice(0, at);
  if (at < 1 || token.length > tokenCharsMax) return null;
  const signature = value
    .slice(at + 1)
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
  return isSameText(signature, key.sign(token)) ? token : null;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
