/// <reference types="@cloudflare/vitest-plugin/types" />
declare module "*?raw" {
  const text: string;
  export default text;
}
declare const process: { env: Record<string, string | undefined>; stdout: { write(text: string): void } };
