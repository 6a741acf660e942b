/**
 * Names that were given up for the field's own (docs/vocabulary.md), as they would come back: whole words of
 * identifiers, `camelCase` taken apart. Each says what to write instead.
 */
export const renamedWords: Readonly<Record<string, string>> = {
  posts: "engine pool",
  told: "reported, or learned",
  said: "response, or message",
  asked: "request",
  lane: "limit check",
  lanes: "limit checks",
  keeper: "ledger core",
  weigh: "evaluate",
  judge: "classifier",
  verdict: "classification, or outcome",
  habit: "traffic profile",
  habits: "traffic profiles",
  stranger: "no history",
  tally: "usage meter",
  noted: "checkpointed",
  untaken: "unacknowledged",
  unkept: "unpersisted",
  parcel: "upstream request",
  patience: "deadline",
  desk: "app",
  scribe: "serializer",
  place: "cursor, permit, slot, address, sequence: what it is",
  places: "cursors, permits, slots, addresses, sequences: what they are",
};

/** Names that hide that nobody asked what the thing does. */
export const emptyNames =
  /(Service|Manager|Helper|Util|Utils|Handler|Processor|Impl)$|^(Base[A-Z]|I[A-Z][a-z])|^(data|info)$/;

/** The words of an identifier, in lower case: `#readHTTPBody` is read, http, body. */
export function splitName(name: string): string[] {
  return name
    .replace(/^#/, "")
    .replaceAll(/([a-z\d])([A-Z])/g, "$1 $2")
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, "$1 $2")
    .split(/[\s_]+/)
    .map((word) => word.toLowerCase());
}
