import { randomBytes } from "node:crypto";
import { digestBody } from "#edge/agreements/digest.ts";
import { makeHop, type HopClaims } from "#edge/agreements/tokens/hop.ts";
import { generateBase62 } from "#edge/agreements/tokens/ids.ts";
import { deriveNodeKeys, openNodeKeys } from "#edge/agreements/tokens/node-keys.ts";
import { answerTokens, writeCallBody } from "./answers.ts";
import { agentNode } from "../servers/start-agent.ts";
import type { Stage } from "../stage.ts";

const model = "Qwen/Qwen2.5-7B-Instruct";

/** A token for each stream that may arrive in `ms`, since the agent takes each once. */
export function makeHopTokens(
  stage: Stage,
  { org, endpoint = "chat.completions" }: Pick<HopClaims, "org"> & Partial<Pick<HopClaims, "endpoint">>,
  ms: number,
): string[] {
  const keys = openNodeKeys(deriveNodeKeys(stage.secrets.nodeMasterKeys, agentNode));
  const terms = {
    org,
    node: agentNode,
    bodySha256: digestBody(writeCallBody(true)),
    attempt: 1,
    endpoint,
    model,
    tier: "complex",
    tokensHeld: 400,
    completionTokensMax: answerTokens,
    isDefaultMax: false,
  } as const;
  const count = Math.ceil(ms / 10) + 30;
  return Array.from({ length: count }, (_, index) => {
    const jti = generateBase62(22, randomBytes);
    const issuedAtMs = Date.now();
    const claims: HopClaims = {
      ...terms,
      jti,
      issuedAtMs,
      hold: `hold_${String(index).padStart(22, "0")}`,
      deadlineMs: issuedAtMs + 60_000,
    };
    return makeHop(claims, keys.hop);
  });
}
