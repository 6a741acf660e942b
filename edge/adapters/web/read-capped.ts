/**
 * Reads an answer's text up to so many bytes and lets go of the rest, so that whoever sends without end is not heard
 * for longer. What is not UTF-8 is shown as the sign for that.
 */
export async function readCapped(response: Response, bytesMax: number): Promise<string> {
  const reader = response.body?.getReader();
  if (!reader) return "";
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  while (bytes < bytesMax) {
    const { value, done } = await reader.read();
    if (done) return text + decoder.decode();
    const chunk = (value as Uint8Array).subarray(0, bytesMax - bytes);
    bytes += chunk.length;
    text += decoder.decode(chunk, { stream: true });
  }
  await reader.cancel().catch(() => undefined);
  return text;
}
