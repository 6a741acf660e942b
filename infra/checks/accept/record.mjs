// Records a real vLLM's answers, byte for byte, into test/fixtures/vllm/. Plain Node >= 20, no packages.
//
//   node infra/checks/accept/record.mjs FLAGS
//     --chat PORT       the main table        (serve.sh chat PORT)
//     --limited PORT    admission, keys, ids  (serve.sh chat PORT -- FLAGS, see the README)
//     --embed PORT      embeddings            (serve.sh embed PORT)
//     --death PORT --pid PID --signal SIG --name NAME
//                       a stream whose engine or server is sent SIG midway
//     --only REGEX      just the cases whose name matches
//
// The cases stand in record/cases/, the other runs in record/.
//
// A fixture: { name, server, note?, request: {method, path, headers, body}, status, headers, body }. `body` is the
// response as text (`bodyBase64` where it is not text). A stream has `blocks` in its place: the SSE text cut after each
// blank line, so that blocks.join("") is the body; `writes` lists the sizes of the HTTP chunks only where these are not
// one block each. Nothing is normalised: ids, times and floats are what that server said that day.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { serverCases } from "./record/cases/server.mjs";
import { chatCases } from "./record/cases/chat.mjs";
import { chatStreamCases } from "./record/cases/chat-stream.mjs";
import { tokensCacheCases } from "./record/cases/tokens-cache.mjs";
import { completionsCases } from "./record/cases/completions.mjs";
import { chatErrorsCases } from "./record/cases/chat-errors.mjs";
import { errorsCases } from "./record/cases/errors.mjs";
import { death } from "./record/death.mjs";
import { embed } from "./record/embed.mjs";
import { aborts, resume } from "./record/ends.mjs";
import { exchange } from "./record/exchange.mjs";
import { limited } from "./record/limited.mjs";
import { countWritten, only, opt, OUT, record, save } from "./record/recording.mjs";

const cases = [
  ...serverCases,
  ...chatCases,
  ...chatStreamCases,
  ...tokensCacheCases,
  ...completionsCases,
  ...chatErrorsCases,
  ...errorsCases,
];

async function main() {
  if (opt.chat) {
    const port = Number(opt.chat);
    for (const [name, request, note] of cases) await record({ port, server: "chat" }, name, request, note);
    if (!only || only.test("resume")) await resume(port);
    await aborts(port);
    if (!only || only.test("metrics")) {
      const m = await exchange(port, { path: "/metrics" });
      writeFileSync(join(OUT, "metrics/metrics.txt"), m.body);
      const { body: _body, ...rest } = m;
      save({
        name: "metrics",
        server: "chat",
        request: { path: "/metrics", method: "GET", headers: {} },
        response: { ...rest, bodyIn: "metrics.txt" },
        note: "taken after all the other cases",
      });
    }
  }
  if (opt.limited) await limited(Number(opt.limited));
  if (opt.embed) await embed(Number(opt.embed));
  if (opt.death) await death(Number(opt.death));
  console.log(`${countWritten()} fixtures`);
}

await main();
