import { writeFileSync } from "node:fs";
import { askEngines } from "./ask-engine.ts";

/**
 * Writes test/fixtures/vllm/openapi.json anew from running servers: `node infra/checks/accept/members/record-openapi.ts
 * URL...`, one that generates and one that embeds, both without `--disable-fastapi-docs`.
 */
const target = new URL("../../../../test/fixtures/vllm/openapi.json", import.meta.url);
writeFileSync(target, `${JSON.stringify(await askEngines(process.argv.slice(2)), null, 1)}\n`);
