import { betterAuthProofs } from "#edge/adapters/better-auth/proofs.ts";
import type { ControlPorts, Sessions } from "#edge/control/http/port.ts";
import type { Database } from "#edge/control/http/store.ts";
import { openSessions } from "#edge/control/sign-in/sessions.ts";
import { openTries } from "#edge/control/sign-in/tries.ts";
import { generateRandomBytes } from "#edge/visit.ts";

/** Signing in as wiring.ts has it, behind a fake that some are signed in by. */
export function openSignIn(db: Database, fake: Sessions): Pick<ControlPorts, "sessions" | "signIn"> {
  const value = "FAKE-session-key-FAKE-session-key-FAKE-sess";
  const tries = openTries(db, { secret: value, header: "cf-connecting-ip", exempt: [] });
  const proofs = betterAuthProofs({
    db,
    secrets: [{ version: 1, value }],
    providers: [],
    ipHeader: "cf-connecting-ip",
    random: generateRandomBytes,
    spendTotp: tries.spendTotp,
  });
  const real = openSessions(db, value);
  const find = async (request: Request, nowMs: number) =>
    (await fake.find(request, nowMs)) ?? real.find(request, nowMs);
  return { sessions: { find }, signIn: { proofs, tries } };
}
