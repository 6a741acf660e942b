import { createPrivateKey } from "node:crypto";
import type { HopClaims } from "#edge/agreements/tokens/hop.ts";
import { openJwsSigner } from "#edge/agreements/tokens/jws.ts";
import { answerTokens, writeCallBody } from "./answers.ts";
import { agentNode } from "../servers/start-agent.ts";
import type { Stage } from "../stage.ts";
import { makeClaims } from "./settle.ts";

const model = "Qwen/Qwen2.5-7B-Instruct";

/** A token for each stream that may arrive in `ms`, since the agent takes each once. */
export function makeHopTokens(stage: Stage, org: HopClaims["org"], ms: number): string[] {
  const { kid, ...jwk } = stage.secrets.hopKey;
  const sign = openJwsSigner(kid, createPrivateKey({ key: jwk, format: "jwk" }));
  const body = writeCallBody(true);
  const terms = {
    org,
    attempt: 1,
    endpoint: "chat.completions",
    model,
    tier: "complex",
    tokensHeld: 400,
    completionTokensMax: answerTokens,
    isDefaultMax: false,
  } as const;
  const count = Math.ceil(ms / 10) + 30;
  return Array.from({ length: count }, (_, index) => {
    const hold: HopClaims["hold"] = `hold_${String(index).padStart(22, "0")}`;
    const claims: HopClaims = {
      iss: "penstock-edge",
      aud: agentNode,
      ...makeClaims(body),
      ...terms,
      hold,
      deadlineMs: Date.now() + 60_000,
    };
    return sign(claims);
  });
}
