/// <reference types="@cloudflare/vitest-plugin/types" />
declare module "*?raw" {
  const text: string;
  export default text;
}
declare const process: { env: Record<string, string | undefined>; stdout: { write(text: string): void } };
/** Vite's, as far as tests in workerd use it: files as text, by path. */
interface ImportMeta {
  glob<T>(pattern: string, options: { eager: true; query: string; import: string }): Record<string, T>;
}
