import { eventTypes, type EventType } from "#edge/control/events/types.ts";

/** What is wrong with events that were written: a type that the table does not have, or facts of another shape. */
export function findOddEvents(rows: { type: string; body: string }[]): string[] {
  return rows.flatMap(({ type, body }) => {
    const known = eventTypes[type as EventType];
    if (!known) return `${type}: is in no table`;
    const { error } = known.data.safeParse(JSON.parse(body));
    return error ? `${type}: ${error.message} of ${body}` : [];
  });
}

/** Rejects when an event is odd. */
export async function refuseOdd(rows: Record<string, string>[]): Promise<void> {
  const odd = findOddEvents(rows.map(({ type = "", body = "" }) => ({ type, body })));
  if (odd.length > 0) throw new TypeError(odd.join("\n"));
}
