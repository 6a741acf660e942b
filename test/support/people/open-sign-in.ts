import { betterAuthProofs } from "#edge/adapters/better-auth/proofs.ts";
import { openOidcClient } from "#edge/adapters/oidc/oidc-client.ts";
import type { ControlPorts, Sessions, SignUpRule, WebhookPorts } from "#edge/control/http/port.ts";
import type { Database } from "#edge/control/http/store.ts";
import { openOidcFlows } from "#edge/control/sign-in/company/flows.ts";
import { openSessions } from "#edge/control/sign-in/sessions.ts";
import { maySignUp } from "#edge/control/sign-in/sign-up.ts";
import { openTries } from "#edge/control/sign-in/tries.ts";
import { generateRandomBytes } from "#edge/visit.ts";

/** Signing in as wiring.ts has it, behind a fake that some are signed in by. Who may sign up, a test may change. */
export function openSignIn(
  db: Database,
  fake: Sessions,
  guard: Pick<WebhookPorts, "resolver" | "isLocal">,
): Pick<ControlPorts, "sessions" | "signIn" | "signUp" | "requiresOperatorMfa"> {
  const value = "FAKE-session-key-FAKE-session-key-FAKE-sess";
  const tries = openTries(db, { secret: value, header: "cf-connecting-ip", exempt: [] });
  const signUp: SignUpRule = { for: "everyone", domains: [] };
  const proofs = betterAuthProofs({
    db,
    secrets: [{ version: 1, value }],
    ipHeader: "cf-connecting-ip",
    random: generateRandomBytes,
    maySignUp: (email, nowMs) => maySignUp(db, signUp, email, nowMs),
    spendTotp: tries.spendTotp,
  });
  const real = openSessions(db, value);
  const find = async (request: Request, nowMs: number) =>
    (await fake.find(request, nowMs)) ?? real.find(request, nowMs);
  const signIn = { proofs, tries, oidc: openOidcClient({ fetch, guard }), flows: openOidcFlows(value), issuers: [] };
  return { sessions: { find }, signIn, signUp, requiresOperatorMfa: false };
}
