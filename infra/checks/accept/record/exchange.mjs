import http from "node:http";

/** Waits so many ms. */
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** One exchange on a connection of its own. `cut`: destroys the socket after that many SSE blocks. */
export function exchange(port, { method = "GET", path, headers = {}, body, cut, patience = 120_000, onBlock }) {
  return new Promise((resolve, reject) => {
    const payload = body === undefined ? undefined : Buffer.from(body);
    const req = http.request({
      host: "127.0.0.1",
      port,
      method,
      path,
      agent: false,
      headers: { connection: "keep-alive", ...headers, ...(payload ? { "content-length": payload.length } : {}) },
    });
    let give = () => req.destroy(new Error(`${method} ${path}: no answer in ${patience} ms`));
    const timer = setTimeout(() => give(), patience);
    req.on("error", (e) => {
      clearTimeout(timer);
      reject(e);
    });
    req.on("response", (res) => {
      const parts = [];
      const socket = res.socket;
      let seen = 0;
      const done = (ended) => {
        clearTimeout(timer);
        const headers = {};
        for (let i = 0; i < res.rawHeaders.length; i += 2) {
          const k = res.rawHeaders[i];
          headers[k] = k in headers ? `${headers[k]}, ${res.rawHeaders[i + 1]}` : res.rawHeaders[i + 1];
        }
        const text = Buffer.concat(parts).toString("utf8");
        const out = { status: res.statusCode, headers };
        if (/event-stream/.test(res.headers["content-type"] ?? "")) {
          out.blocks = text.split(/(?<=\n\n)/);
          const sizes = parts.map((p) => p.length);
          if (sizes.join() !== out.blocks.map((b) => Buffer.byteLength(b)).join()) out.writes = sizes;
        } else if (/octet-stream/.test(res.headers["content-type"] ?? ""))
          out.bodyBase64 = Buffer.concat(parts).toString("base64");
        else out.body = text;
        if (ended !== "end") out.ended = ended;
        socket.destroy(); // kept alive only so that the answer carries no "connection: close"
        resolve(out);
      };
      let last = Date.now();
      give = () => done(`open, and silent for ${Math.round((Date.now() - last) / 1000)} s, when the client gave up`);
      res.on("data", (d) => {
        last = Date.now();
        parts.push(d);
        const n = d.toString("utf8").split("\n\n").length - 1;
        seen += n;
        if (n && onBlock) onBlock(seen);
        if (cut !== undefined && seen >= cut) {
          req.destroy();
          done("cut by the client");
        }
      });
      res.on("end", () => done("end"));
      res.on("error", (e) => done(`${e.code ?? ""} ${e.message}`.trim()));
    });
    req.end(payload);
  });
}

/** The first sample of a metric. */
export async function metric(port, name, headers = {}) {
  const { body } = await exchange(port, { path: "/metrics", headers });
  return Number(
    body
      .split("\n")
      .find((l) => l.startsWith(name + "{"))
      ?.split(" ")
      .at(-1),
  );
}

/** Waits until nothing runs; resolves with how long it took, or with `null` after half a minute. */
export async function waitIdle(port, headers) {
  const began = Date.now();
  while (Date.now() - began < 30_000) {
    if ((await metric(port, "vllm:num_requests_running", headers)) === 0) return Date.now() - began;
    await sleep(50);
  }
  return null;
}
