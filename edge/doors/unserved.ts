/** Parts of other APIs that SDKs and clients ask for and that nothing here answers, by how their paths begin. */
const parts: Readonly<Record<string, string>> = {
  moderations: "OpenAI's moderations",
  "images/edits": "OpenAI's edits of images",
  "images/variations": "OpenAI's variations of images",
  "audio/voices": "OpenAI's voices",
  "audio/voice_consents": "OpenAI's voices",
  videos: "OpenAI's videos",
  realtime: "OpenAI's realtime sessions",
  files: "OpenAI's files",
  uploads: "OpenAI's uploads",
  batches: "OpenAI's batches",
  assistants: "OpenAI's assistants",
  threads: "the threads of OpenAI's assistants",
  vector_stores: "OpenAI's vector stores",
  fine_tuning: "OpenAI's fine-tuning",
  evals: "OpenAI's evals",
  containers: "OpenAI's containers",
  conversations: "OpenAI's stored conversations",
  "messages/batches": "Anthropic's batches of messages",
};

/** What stands before such a path in an address: a base URL's `/v1`, and Azure's form. */
const before = /^\/+(?:openai\/+)?(?:deployments\/+[^/]+\/+)?(?:v1\/+)*/;

/** The part of another API that a path belongs to and that no model here serves; null for any other path. */
export function findUnserved(path: string): string | null {
  const rest = path.toLowerCase().replace(before, "").replace(/\/+/g, "/");
  const beginning = Object.keys(parts).find((name) => rest === name || rest.startsWith(`${name}/`));
  return beginning === undefined ? null : (parts[beginning] ?? null);
}
