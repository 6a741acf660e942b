import { z } from "zod";
import { HmacKey } from "../../../agreements/hmac.ts";
import { codeMs } from "../../../agreements/settings/sign-in-limits.ts";
import { isSameText } from "../../../agreements/tokens/key-format.ts";

const Flow = z.strictObject({
  provider: z.string(),
  next: z.string(),
  errorNext: z.string(),
  endsAtMs: z.int(),
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
});

/** What a browser that was sent to an issuer comes back with: which, where it goes then, what the answer must fit. */
export type KeptFlow = z.infer<typeof Flow>;

/** Keeps flows in the browser that began them: signed, for ten minutes, and of the last one alone. */
export interface OidcFlows {
  /** A `Set-Cookie` that keeps it. */
  write(flow: Omit<KeptFlow, "endsAtMs">, nowMs: number): string;
  /** What a request's cookie has kept; null where that is nothing of ours, or over. */
  read(headers: Headers, nowMs: number): KeptFlow | null;
  /** A `Set-Cookie` that forgets it. */
  end(): string;
}

const cookieName = "__Host-penstock.oidc";
const form = new RegExp(`(?:^|;\\s*)${cookieName}=([^;]+)\\.([\\w-]+)(?:;|$)`);
const attributes = "Path=/; HttpOnly; Secure; SameSite=Lax";
const cookieCharsMax = 3_000;

/** Opens the keeping of flows under a secret of the deployment. */
export function openOidcFlows(secret: string): OidcFlows {
  const key = new HmacKey(new TextEncoder().encode(`oidc ${secret}`));
  return {
    write(flow, nowMs) {
      const text = JSON.stringify({ ...flow, endsAtMs: nowMs + codeMs });
      const kept = encodeURIComponent(text);
      return `${cookieName}=${kept}.${key.sign(kept)}; Max-Age=${codeMs / 1_000}; ${attributes}`;
    },
    read(headers, nowMs) {
      const [, kept = "", signature = ""] = form.exec(headers.get("cookie") ?? "") ?? [];
      if (kept === "" || kept.length > cookieCharsMax || !isSameText(signature, key.sign(kept))) return null;
      const flow = Flow.parse(JSON.parse(decodeURIComponent(kept)));
      return flow.endsAtMs > nowMs ? flow : null;
    },
    end: () => `${cookieName}=; Max-Age=0; ${attributes}`,
  };
}
