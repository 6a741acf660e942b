import { setTimeout as sleep } from "node:timers/promises";

/** What one isolate's heap takes, in bytes: JavaScript's own objects, and the buffers behind arrays and streams. */
interface HeapUsage {
  usedSize: number;
  embedderHeapUsedSize?: number;
  backingStorageSize?: number;
}

/** Reads one isolate's heap through V8's inspector. */
export interface HeapReader {
  /** Bytes in use, rubbish that was not collected yet included, as the platform's own limit counts them. */
  readBytes(): Promise<number>;
  /** Has V8 collect its rubbish. */
  collect(): Promise<void>;
  close(): void;
}

/** How often the heap is read while something runs. */
const everyMs = 50;
/** How long one answer is waited for before it is asked for again, and how often that is. */
const answerMsMax = 2_000;
const triesMax = 10;

/**
 * Connects to the inspector of the worker of this name (workerd's `--inspector-addr`; Runtime.getHeapUsage of the
 * Chrome DevTools Protocol). Throws when there is no such worker.
 */
export async function openHeap(port: number, worker: string): Promise<HeapReader> {
  const targets = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as { webSocketDebuggerUrl: string }[];
  const target = targets.find(({ webSocketDebuggerUrl }) => webSocketDebuggerUrl.endsWith(`/${worker}`));
  if (!target) throw new Error(`the inspector knows no worker '${worker}'`);
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  socket.addEventListener("message", ({ data }) => {
    const { id, result, error } = JSON.parse(String(data));
    if (error) waiting.get(id)?.reject(new Error(error.message));
    else waiting.get(id)?.resolve(result);
    waiting.delete(id);
  });
  const closed = new Error("the inspector closed: did workerd end?");
  socket.addEventListener("close", () => {
    for (const { reject } of waiting.values()) reject(closed);
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", () => reject(new Error("the inspector cannot be reached")));
  });
  let lastId = 0;
  const ask = (method: string): Promise<unknown> => {
    if (socket.readyState !== WebSocket.OPEN) return Promise.reject(closed);
    const answer = Promise.withResolvers<unknown>();
    waiting.set(++lastId, answer);
    socket.send(JSON.stringify({ id: lastId, method }));
    return answer.promise;
  };
  // Now and then workerd takes a message and does not look at it before another comes.
  const send = async <T>(method: string): Promise<T> => {
    const asked: Promise<unknown>[] = [];
    for (let tries = 0; tries < triesMax; tries++) {
      asked.push(ask(method));
      const answer = await Promise.race([...asked, sleep(answerMsMax)]);
      if (answer !== undefined) return answer as T;
    }
    throw new Error(`the inspector does not answer to ${method}`);
  };
  return {
    async readBytes() {
      const {
        usedSize,
        embedderHeapUsedSize = 0,
        backingStorageSize = 0,
      } = await send<HeapUsage>("Runtime.getHeapUsage");
      return usedSize + embedderHeapUsedSize + backingStorageSize;
    },
    collect: async () => void (await send("HeapProfiler.collectGarbage")),
    close: () => socket.close(),
  };
}

/** Runs something and tells the most bytes that were in use meanwhile. */
export async function watchPeak(heap: HeapReader, run: () => Promise<void>): Promise<number> {
  const state = { isRunning: true, peak: await heap.readBytes() };
  const watching = (async () => {
    while (state.isRunning) {
      await sleep(everyMs);
      state.peak = Math.max(state.peak, await heap.readBytes());
    }
  })();
  try {
    await run();
  } finally {
    state.isRunning = false;
    await watching;
  }
  return state.peak;
}
