import { expect, test } from "vitest";
import { mintKey } from "#edge/agreements/tokens/key-format.ts";
import { openVerifiedKeys } from "#edge/identity/index.ts";
import { generateRandomBytes } from "#edge/visit.ts";
import { keyringOf, tokenKeyOf } from "#test/support/fakes/keyring.ts";
import { importDoor, serve, type Door } from "../world.ts";

const { openSiteDoor } = await importDoor<{ openSiteDoor(): Door }>("site/site");
const door = openSiteDoor();
const keyring = await keyringOf();
const { text: key } = await mintKey("inference", "org_Ab0Cd1Ef2G", keyring, generateRandomBytes);

const doors = [
  ["GET", ""],
  ["DELETE", ""],
  ["GET", "/input_items"],
  ["POST", "/cancel"],
] as const;

async function ask(method: string, end: string, endpoints: string[] | null, authorization = `Bearer ${key}`) {
  const asked: string[] = [];
  const ports = {
    keys: openVerifiedKeys(keyring),
    tokenKey: await tokenKeyOf(),
    ledger: { introspect: async () => ({ kind: "scopes", endpoints, models: null }) },
    storage: { open: async (org: string) => void asked.push(org), store: {} },
  };
  const request = new Request(`http://edge/v1/responses/resp_${"0".repeat(22)}${end}`, {
    method,
    headers: { authorization },
  });
  const { refusal } = await serve(door, ports, request);
  return [refusal?.code, asked.length];
}

test.each(doors)("%s …%s asks storage only for a key of ours that may use the endpoint", async (method, end) => {
  expect(await ask(method, end, null, "Bearer sk-pen-nonsense")).toEqual(["invalid_api_key", 0]);
  expect(await ask(method, end, ["chat.completions"])).toEqual(["insufficient_permissions", 0]);
  expect(await ask(method, end, ["responses"])).toEqual(["not_found", 1]);
});
