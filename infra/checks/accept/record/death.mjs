import { exchange, sleep } from "./exchange.mjs";
import { opt, save } from "./recording.mjs";
import { CHAT, chat, HI, json, M } from "./requests.mjs";

/** A stream, and a whole call beside it, whose engine or server is sent a signal midway. */
export async function death(port) {
  const request = chat({
    stream: true,
    max_tokens: 400,
    ignore_eos: true,
    stream_options: { include_usage: true, continuous_usage_stats: true },
  });
  const whole = chat({ max_tokens: 400, ignore_eos: true });
  const patience = 30_000;
  const failed = (e) => ({ status: null, ended: `${e.code ?? ""} ${e.message}`.trim() });
  const beside = exchange(port, { ...whole, patience }).catch(failed);
  let sent = 0;
  const probes = [];
  const probe = async (method, path, body) => {
    const began = Date.now() - sent;
    try {
      const r = await exchange(port, { ...(body ? json(path, body) : { method, path }), patience: 2000 });
      probes.push({ ms: began, path, status: r.status, body: r.body });
    } catch (e) {
      probes.push({ ms: began, path, error: e.code ?? e.message });
    }
  };
  const probing = async () => {
    for (const ms of [50, 250, 700, 1000, 2000, 4000]) {
      await sleep(ms);
      await Promise.all([
        probe("GET", "/health"),
        probe("POST", CHAT, { model: M, messages: HI, max_tokens: 1, temperature: 0 }),
      ]);
    }
  };
  let probed;
  const out = await exchange(port, {
    ...request,
    patience,
    onBlock: (n) => {
      if (n < 5 || sent) return;
      sent = Date.now();
      process.kill(Number(opt.pid), opt.signal);
      probed = probing();
    },
  });
  const ms = Date.now() - sent;
  const wholeCallBeside = await beside;
  await probed;
  delete out.writes;
  const n = out.blocks.length;
  if (n > 60) {
    out.blocksLeftOut = { after: 8, count: n - 16 };
    out.blocks.splice(8, n - 16);
  }
  save({
    name: `death-${opt.name}`,
    server: opt.flags ? `chat ${opt.flags}` : "chat",
    request,
    response: { ...out, msUntilTheEnd: ms, wholeCallBeside, probes },
    note: `${opt.signal} to the ${opt.name} after five blocks; probes: new calls after the signal`,
  });
}
