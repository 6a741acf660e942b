/** What we read of a JSON Schema. */
export interface ShapeSchema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  anyOf?: ShapeSchema[];
  oneOf?: ShapeSchema[];
  allOf?: ShapeSchema[];
  properties?: Record<string, ShapeSchema>;
  required?: string[];
  additionalProperties?: boolean | ShapeSchema;
  items?: ShapeSchema;
  description?: string;
  format?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
}

/** What a schema allows, in TypeScript's words: short to read, and known to every reader. */
export function writeShape(schema: ShapeSchema, indent = ""): string {
  if (schema.$ref !== undefined) return readRefName(schema.$ref);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((each) => JSON.stringify(each)).join(" | ");
  const either = schema.anyOf ?? schema.oneOf;
  if (either) return unite(either.map((each) => writeShape(each, indent)));
  if (schema.allOf) return schema.allOf.map((each) => writeShape(each, indent)).join(" & ");
  const types = [schema.type ?? []].flat();
  if (types.length === 0) return schema.properties ? writeObject(schema, indent) : "unknown";
  return unite(types.map((type) => writeType(type, schema, indent)));
}

function writeType(type: string, schema: ShapeSchema, indent: string): string {
  if (type === "integer") return "number";
  if (type === "object") return writeObject(schema, indent);
  if (type !== "array") return type;
  const item = writeShape(schema.items ?? {}, indent);
  return / [|&] /.test(item) && !item.startsWith("{") ? `(${item})[]` : `${item}[]`;
}

function writeObject({ properties = {}, required = [], additionalProperties }: ShapeSchema, indent: string): string {
  const inner = `${indent}  `;
  const lines = Object.entries(properties).map(([name, schema]) => {
    const key = /^[\w$]+$/.test(name) ? name : JSON.stringify(name);
    const type = writeShape(schema, inner);
    const note = describe(schema);
    return `${inner}${key}${required.includes(name) ? "" : "?"}: ${type};${note === "" ? "" : ` // ${note}`}`;
  });
  if (typeof additionalProperties === "object")
    lines.push(`${inner}[name: string]: ${writeShape(additionalProperties, inner)};`);
  return lines.length === 0 ? "object" : `{\n${lines.join("\n")}\n${indent}}`;
}

/** What no type says: the description, and bounds that somebody could run into. */
function describe(schema: ShapeSchema): string {
  const { minimum, maximum, minLength, maxLength, minItems, maxItems, format, description } = schema;
  const most = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? maximum : undefined;
  const bounds = [
    format,
    writeBounds(minimum, most, ""),
    writeBounds(minLength, maxLength, " characters"),
    writeBounds(minItems, maxItems, " items"),
  ].filter((each) => each !== undefined && each !== "");
  return [description?.replaceAll("\n", " "), bounds.join(", ")].filter((each) => each).join(" ");
}

function writeBounds(least: number | undefined, most: number | undefined, unit: string): string {
  if (most !== undefined) return `${least ?? 0} to ${most}${unit}`;
  return least === undefined ? "" : `${least} or more${unit}`;
}

function unite(types: readonly string[]): string {
  return [...new Set(types)].join(" | ");
}

export function readRefName(ref: string): string {
  return ref.slice(ref.lastIndexOf("/") + 1);
}

/** The names of all schemas that these name, and those name in turn. */
export function listNamed(schemas: unknown[], all: Readonly<Record<string, ShapeSchema>>): string[] {
  const found = new Set<string>();
  const look = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      if (key !== "$ref" || typeof inner !== "string") look(inner);
      else if (inner.startsWith("#/components/schemas/") && !found.has(readRefName(inner))) {
        found.add(readRefName(inner));
        look(all[readRefName(inner)]);
      }
    }
  };
  schemas.forEach(look);
  return [...found].sort((one, other) => one.localeCompare(other));
}
