/** The names of a table's rows, in their order. */
export function listNames<Name extends string>(table: Readonly<Record<Name, unknown>>): Name[] {
  const isName = (name: string): name is Name => name in table;
  return Object.keys(table).filter(isName);
}

/** An object that has a value for each of the names. */
export function mapNames<Name extends string, Value>(
  names: readonly Name[],
  make: (name: Name) => Value,
): Record<Name, Value> {
  const made: Record<string, Value> = Object.fromEntries(names.map((name) => [name, make(name)]));
  const isWhole = (some: Record<string, Value>): some is Record<Name, Value> => names.every((name) => name in some);
  if (!isWhole(made)) throw new TypeError("a name is not its own");
  return made;
}

/** `promptTokens` as SQL has it: `prompt_tokens`. */
export function toSnakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
