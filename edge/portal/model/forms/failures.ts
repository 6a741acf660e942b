/** What a refusal says about a field of a body: its message, if it is about that field; undefined if it is not. */
export function explainFailure(failure: unknown, field: string): string | undefined {
  if (!(failure instanceof Error) || !("param" in failure) || typeof failure.param !== "string") return undefined;
  const { param } = failure;
  const isAbout = param === field || param.startsWith(`${field}[`) || param.startsWith(`${field}.`);
  return isAbout ? failure.message : undefined;
}
