import {
  closeSync,
  fdatasync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { UsageRecord } from "#edge/agreements/records/usage.ts";
import { readCause, type Log } from "../log.ts";

/** A position in the log: everything before it was acknowledged, or read. */
export interface Mark {
  segment: number;
  offset: number;
}

/**
 * The durable queue of usage records: an append-only file in segments, and the mark up to which the edge has
 * acknowledged. It holds ids and counts, never a prompt.
 */
export interface UsageLog {
  /**
   * Returns when the record is with the kernel: it then survives the death of this process. A power cut may take the
   * last 50 ms. Throws when the disk refuses.
   */
  append(record: UsageRecord): void;
  /**
   * The oldest records not yet acknowledged, `count` at most, and the mark behind them. Lines that are no records are
   * skipped and kept aside.
   */
  peek(count: number): { records: UsageRecord[]; mark: Mark };
  /** Everything before the mark is with the edge; segments that are all before it are deleted. */
  acknowledge(mark: Mark): void;
  /** Keeps records that the edge will never take, in `refused.jsonl`, for an operator to look at. */
  setAside(records: UsageRecord[]): void;
  /** Bytes not yet acknowledged. */
  readonly backlogBytes: number;
  close(): void;
}

const syncMs = 50;
/** 64 records are at most 32 KiB. */
const readBytes = 64 * 1024;
const segmentPattern = /^(\d{8})\.jsonl$/;

/**
 * Opens the log in `directory`, made when missing (0700). A last line without its end was never acknowledged to anyone:
 * the process died in the middle of writing it, before the call's last byte left; it is cut off.
 */
export function openUsageLog(directory: string, segmentBytesMax: number, log: Log): UsageLog {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return new SegmentedLog(directory, segmentBytesMax, log);
}

class SegmentedLog implements UsageLog {
  #directory: string;
  #segmentBytesMax: number;
  #log: Log;
  #acknowledged: Mark;
  #last: number;
  #size: number;
  #file: number;
  #isClosed = false;
  #syncTimer: NodeJS.Timeout | undefined;

  constructor(directory: string, segmentBytesMax: number, log: Log) {
    this.#directory = directory;
    this.#segmentBytesMax = segmentBytesMax;
    this.#log = log;
    const found = readdirSync(directory)
      .flatMap((name) => segmentPattern.exec(name)?.[1] ?? [])
      .map(Number);
    this.#acknowledged = readMark(this.#markPath, Math.min(...found, Number.MAX_SAFE_INTEGER));
    this.#last = Math.max(this.#acknowledged.segment, ...found);
    this.#size = repair(this.#buildPath(this.#last), log);
    // Written at once: once new records have outgrown the old mark, it would skip them after the next crash.
    if (this.#acknowledged.segment === this.#last && this.#acknowledged.offset > this.#size)
      this.acknowledge({ segment: this.#last, offset: 0 });
    this.#file = openSync(this.#buildPath(this.#last), "a", 0o600);
  }

  append(record: UsageRecord): void {
    // By now the number of the closed file may be another file's, or a socket's.
    if (this.#isClosed) throw new Error("usage log: closed");
    if (this.#size >= this.#segmentBytesMax) this.#rotate();
    const line = Buffer.from(`${JSON.stringify(record)}\n`);
    const written = writeSync(this.#file, line);
    // A disk that is full may take half a line: the half is taken back, so that the next line is not spoiled by it.
    if (written !== line.length) {
      ftruncateSync(this.#file, this.#size);
      throw new Error("usage log: short write");
    }
    this.#size += line.length;
    this.#syncTimer ??= setTimeout(() => this.#sync(), syncMs);
  }

  peek(count: number): { records: UsageRecord[]; mark: Mark } {
    let mark = this.#acknowledged;
    while (mark.segment < this.#last && readSize(this.#buildPath(mark.segment)) <= mark.offset)
      mark = { segment: mark.segment + 1, offset: 0 };
    const { lines, bytes } = readLines(this.#buildPath(mark.segment), mark.offset, count, mark.segment < this.#last);
    const records = lines.flatMap(
      (line) => readRecord(line, join(this.#directory, "unreadable.jsonl"), this.#log) ?? [],
    );
    return { records, mark: { segment: mark.segment, offset: mark.offset + bytes } };
  }

  acknowledge(mark: Mark): void {
    writeFileSync(`${this.#markPath}.new`, JSON.stringify(mark), { mode: 0o600 });
    renameSync(`${this.#markPath}.new`, this.#markPath);
    for (let segment = this.#acknowledged.segment; segment < mark.segment; segment++) remove(this.#buildPath(segment));
    this.#acknowledged = mark;
  }

  setAside(records: UsageRecord[]): void {
    for (const record of records)
      writeFileSync(join(this.#directory, "refused.jsonl"), `${JSON.stringify(record)}\n`, { flag: "a", mode: 0o600 });
  }

  get backlogBytes(): number {
    const { segment: first, offset } = this.#acknowledged;
    let bytes = this.#size - offset;
    for (let segment = first; segment < this.#last; segment++) bytes += readSize(this.#buildPath(segment));
    return Math.max(0, bytes);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#syncTimer);
    closeSync(this.#file);
  }

  get #markPath(): string {
    return join(this.#directory, "acknowledged.json");
  }

  #buildPath(segment: number): string {
    return join(this.#directory, `${String(segment).padStart(8, "0")}.jsonl`);
  }

  #sync(): void {
    this.#syncTimer = undefined;
    fdatasync(
      this.#file,
      (error) => error && error.code !== "EBADF" && this.#log("usage_log_sync_failed", { cause: readCause(error) }),
    );
  }

  #rotate(): void {
    const full = this.#file;
    fdatasync(full, () => closeSync(full));
    this.#last++;
    this.#size = 0;
    this.#file = openSync(this.#buildPath(this.#last), "a", 0o600);
  }
}

function readMark(path: string, firstSegment: number): Mark {
  const start = { segment: firstSegment === Number.MAX_SAFE_INTEGER ? 1 : firstSegment, offset: 0 };
  try {
    const json: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof json !== "object" || json === null || !("segment" in json) || !("offset" in json)) return start;
    const { segment, offset } = json;
    if (!Number.isSafeInteger(segment) || !Number.isSafeInteger(offset)) return start;
    // A mark behind the first segment that is left, or none: everything that is left is sent again, which is harmless.
    return Number(segment) < start.segment ? start : { segment: Number(segment), offset: Number(offset) };
  } catch {
    return start;
  }
}

/** Cuts a torn last line off and returns the size of what is left. */
function repair(path: string, log: Log): number {
  if (readSize(path) === 0) return 0;
  const file = openSync(path, "r+");
  try {
    const bytes = readFileSync(file);
    const end = bytes.lastIndexOf(0x0a) + 1;
    if (end === bytes.length) return end;
    log("usage_log_torn", { bytes: bytes.length - end });
    ftruncateSync(file, end);
    return end;
  } finally {
    closeSync(file);
  }
}

/**
 * Whole lines, `count` at most. Where none can come any more, what is there counts as one, so that damage never blocks
 * the queue.
 */
function readLines(path: string, offset: number, count: number, isFull: boolean): { lines: string[]; bytes: number } {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch {
    return { lines: [], bytes: 0 };
  }
  try {
    const buffer = Buffer.alloc(Math.min(readBytes, Math.max(0, fstatSync(file).size - offset)));
    const text = buffer.toString("latin1", 0, readSync(file, buffer, 0, buffer.length, offset));
    const lines: string[] = [];
    let bytes = 0;
    for (let end = text.indexOf("\n"); end >= 0 && lines.length < count; end = text.indexOf("\n", bytes)) {
      lines.push(text.slice(bytes, end));
      bytes = end + 1;
    }
    const isDamaged = lines.length === 0 && text !== "" && (isFull || text.length === readBytes);
    return isDamaged ? { lines: [text], bytes: text.length } : { lines, bytes };
  } finally {
    closeSync(file);
  }
}

function readRecord(line: string, asidePath: string, log: Log): UsageRecord | null {
  try {
    return UsageRecord.parse(JSON.parse(Buffer.from(line, "latin1").toString("utf8")));
  } catch {
    log("usage_line_unreadable", { chars: line.length });
    writeFileSync(asidePath, `${line}\n`, { flag: "a", mode: 0o600 });
    return null;
  }
}

function readSize(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Gone already: the mark was written twice.
  }
}
