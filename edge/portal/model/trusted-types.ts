declare global {
  interface Window {
    trustedTypes?: { createPolicy(name: string, rules: { createHTML: (text: string) => string }): unknown };
  }
}

/**
 * Lets scripts empty an element by `innerHTML = ""`, as the charts do, and refuses every other text: under the portal's
 * policy (Trusted Types) no text becomes elements.
 */
export function allowEmptyHtml(): void {
  window.trustedTypes?.createPolicy("default", { createHTML: refuseMarkup });
}

/** Returns the empty text; throws on any other. */
export function refuseMarkup(text: string): string {
  if (text !== "") throw new TypeError("No text becomes HTML here.");
  return text;
}
