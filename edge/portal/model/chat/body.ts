/** A turn of a conversation: what was question, with pictures as data URLs, and what each model answered. */
export interface ChatTurn {
  text: string;
  images: readonly string[];
  answers: ReadonlyMap<string, { text: string; state: string }>;
}

/** The messages of a conversation as one model has seen it: its own answers, and none that broke off at nothing. */
export function writeMessages(
  turns: readonly ChatTurn[],
  model: string,
  system: string,
): { role: string; content: unknown }[] {
  const messages = turns.flatMap(({ text, images, answers }) => {
    const parts = images.map((url) => ({ type: "image_url", image_url: { url } }));
    const question = { role: "user", content: images.length === 0 ? text : [{ type: "text", text }, ...parts] };
    const answer = answers.get(model)?.text ?? "";
    return answer === "" ? [question] : [question, { role: "assistant", content: answer }];
  });
  return system.trim() === "" ? messages : [{ role: "system", content: system }, ...messages];
}

/** The parameters that were written, by the API's names; empty ones are left to the gateway. */
export function writeParameters(written: {
  temperature: string | number;
  topP: string | number;
  tokensMax: string | number;
  seed: string | number;
}): Record<string, number> {
  const named = {
    temperature: written.temperature,
    top_p: written.topP,
    max_tokens: written.tokensMax,
    seed: written.seed,
  };
  const set = Object.entries(named).filter(([, value]) => String(value).trim() !== "");
  return Object.fromEntries(set.map(([name, value]) => [name, Number(value)]));
}
