import { Refusal } from "../errors.ts";
import { bodyBytesMax, bodyMsMax, bodySlowMs, discardedBytesMax } from "../limits.ts";
import { isolateIntake, type Intake, type IntakeShare, type Sender } from "./intake.ts";

/** How a body is read: from whom, and how much of it. */
export interface ReadingBounds {
  bytesMax: number;
  sender: Sender;
  /** How long it may take; 10 s unless said. */
  msMax?: number;
  /** The refusal of more bytes than that, `bytes` of which were declared or have come. */
  refuseLarge?(bytes: number): Refusal;
}

/** Bytes of an undeclared body that are asked for at once: a chunk of one byte each would be a turn of ours each. */
const pieceBytes = 16 * 1024;
/** A body that is no longer is read natively, in one piece. */
const smallBytes = 64 * 1024;

/**
 * Reads the body's bytes, `bytesMax` at most, within 10 s or `msMax` (M5); refuses encoded bodies. What is read counts
 * in the isolate's intake until this has ended, however it ends.
 */
export async function readBytes(
  request: Request,
  bounds: ReadingBounds,
  intake: Pick<Intake, "enter"> = isolateIntake,
): Promise<Uint8Array<ArrayBuffer>> {
  const encoding = request.headers.get("content-encoding");
  if (encoding !== null && encoding.toLowerCase() !== "identity") throw new Refusal("unsupported_content_encoding");
  const declared = readDeclared(request);
  if (declared === null && !request.body) return new Uint8Array();
  const share = intake.enter(bounds.sender);
  const ending: BodyEnding = {
    refusal: (declared ?? 0) > bounds.bytesMax ? createTooLarge(bounds, declared ?? 0) : share.grow(declared ?? 0),
  };
  const reader = declared === null || ending.refusal ? openReader(request) : null;
  const reading = reader ? readPieces(reader, ending, { bounds, share }) : readWhole(request, bounds);
  try {
    return await limitTime(reading, share, { ending, msMax: bounds.msMax ?? bodyMsMax });
  } catch (failure) {
    // The engine of a body that breaks off throws errors of its own.
    if (!(failure instanceof Refusal)) throw createBroken(failure);
    throw failure;
  } finally {
    share.leave();
    void reader?.cancel().catch(() => undefined);
  }
}

/**
 * Reads on what a caller still sends to whom we refuse, 4 MiB at most, and keeps nothing: who hears nothing before all
 * is sent would get a broken connection for an answer. So it is of small bodies too: some clients send a body behind
 * its headers, and the platform closes on what comes after an answer.
 */
export async function drainUnread(request: Request): Promise<void> {
  if (!request.body || request.bodyUsed) return;
  const isSmall = (readDeclared(request) ?? Infinity) <= smallBytes;
  const reader = isSmall ? null : openReader(request);
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, bodyMsMax);
  try {
    await Promise.race([reader ? drain(reader) : request.arrayBuffer(), late.promise]);
  } catch {
    // Whoever breaks off hears no answer.
  } finally {
    clearTimeout(timer);
    void reader?.cancel().catch(() => undefined);
  }
}

async function drain(reader: PieceReader): Promise<void> {
  let dropped: Uint8Array | undefined;
  for (let size = 0; size <= bodyBytesMax;) {
    const { value, done } = await reader.read(dropped);
    if (done) return;
    dropped = value;
    size += value?.byteLength ?? 0;
  }
}

function readDeclared(request: Request): number | null {
  const text = request.headers.get("content-length");
  return text === null || !Number.isSafeInteger(Number(text)) ? null : Number(text);
}

/** A declared length is enforced by the HTTP layer, so the whole can be read natively. */
async function readWhole(request: Request, bounds: ReadingBounds): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(await request.arrayBuffer());
  if (bytes.byteLength > bounds.bytesMax) throw createTooLarge(bounds, bytes.byteLength);
  return bytes;
}

/** Why a body is refused: told when what was being sent has been read, so that it arrives. */
interface BodyEnding {
  refusal: Refusal | null;
}

async function readPieces(
  reader: PieceReader,
  ending: BodyEnding,
  { bounds, share }: { bounds: ReadingBounds; share: IntakeShare },
): Promise<Uint8Array<ArrayBuffer>> {
  const readMax = Math.max(bounds.bytesMax, discardedBytesMax);
  let pieces: Uint8Array[] = [];
  let dropped: Uint8Array | undefined;
  let size = 0;
  for (let isDone = false; !isDone && size <= readMax;) {
    const { value, done } = await reader.read(ending.refusal ? dropped : undefined);
    dropped = value;
    isDone = done;
    if (value === undefined) continue;
    size += value.byteLength;
    ending.refusal ??= size > bounds.bytesMax ? createTooLarge(bounds, size) : share.grow(value.byteLength);
    if (ending.refusal) pieces = [];
    else pieces.push(value);
  }
  if (ending.refusal) throw ending.refusal;
  return joinPieces(pieces, size);
}

function joinPieces(pieces: Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.byteLength;
  }
  return bytes;
}

/** Reads a stream piece by piece, in large ones where the stream can, and into the memory of one that was dropped. */
interface PieceReader {
  read(dropped?: Uint8Array): Promise<{ value?: Uint8Array | undefined; done: boolean }>;
  cancel(): Promise<void>;
}

function openReader(request: Request): PieceReader {
  const { body } = request;
  if (!body) return { read: async () => ({ done: true }), cancel: async () => undefined };
  // Only Workers have this; the tests run in Node.
  if (!("readAtLeast" in ReadableStreamBYOBReader.prototype)) {
    const whole = body.getReader();
    return { read: () => whole.read(), cancel: () => whole.cancel() };
  }
  const reader = body.getReader({ mode: "byob" });
  return {
    read: (dropped) => reader.readAtLeast(pieceBytes, new Uint8Array(dropped?.buffer ?? new ArrayBuffer(pieceBytes))),
    cancel: () => reader.cancel(),
  };
}

/** Rejects with 408 when a body takes longer than it may, and tells its share before that it is slow. */
async function limitTime<T>(
  reading: Promise<T>,
  share: IntakeShare,
  { ending, msMax }: { ending: BodyEnding; msMax: number },
): Promise<T> {
  const late = Promise.withResolvers<never>();
  let timer = setTimeout(() => {
    const refusal = ending.refusal ? null : share.stay();
    if (refusal) late.reject(refusal);
    else timer = setTimeout(() => late.reject(ending.refusal ?? new Refusal("request_timeout")), msMax - bodySlowMs);
  }, bodySlowMs);
  try {
    return await Promise.race([reading, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function createTooLarge({ bytesMax, refuseLarge }: ReadingBounds, bytes: number): Refusal {
  if (refuseLarge) return refuseLarge(bytes);
  return new Refusal("request_too_large", { message: `The request body is larger than ${bytesMax} bytes.` });
}

function createBroken(cause: unknown): Refusal {
  return new Refusal("invalid_json", { message: "The request body broke off, or is not chunked as HTTP says.", cause });
}
