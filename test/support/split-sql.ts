/** The statements of a migration; a trigger is one, up to its `END;`. */
export function splitSql(text: string): string[] {
  const bare = text.replaceAll(/^--.*$/gm, "");
  return (bare.match(/\s*CREATE TRIGGER[^]*?\bEND;|[^;]+;/g) ?? [])
    .map((sql) => sql.trim().replace(/;$/, ""))
    .filter((sql) => sql !== "");
}
