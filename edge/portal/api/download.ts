import { saveFile } from "../model/csv.ts";
import { credentials, readFailure } from "./client.ts";

/** Fetches a file of the API and gives it to the browser to save; returns its text. A refusal is an ApiFailure. */
export async function downloadFile(path: string, name: string): Promise<string> {
  const response = await fetch(path, {
    headers: credentials.adminKey === null ? {} : { authorization: `Bearer ${credentials.adminKey}` },
  });
  if (!response.ok) throw readFailure(response, await response.json().catch(() => null));
  const text = await response.text();
  saveFile(name, response.headers.get("content-type") ?? "text/plain", text);
  return text;
}
