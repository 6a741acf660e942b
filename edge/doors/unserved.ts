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

/** The same of OpenAI's admin API: what neither orgs nor projects have here. */
const adminParts: Readonly<Record<string, string>> = {
  "organization/certificates": "OpenAI's certificates",
  "organization/external_keys": "OpenAI's external keys",
  "organization/external_storage": "OpenAI's external storage",
  "organization/groups": "OpenAI's groups",
  "organization/workload_identity_providers": "OpenAI's workload identity",
  "organization/usage/moderations": "OpenAI's usage of moderations",
  "organization/usage/vector_stores": "OpenAI's usage of vector stores",
  "organization/usage/code_interpreter_sessions": "OpenAI's usage of the code interpreter",
  "organization/usage/file_search_calls": "OpenAI's usage of file search",
  "organization/usage/web_search_calls": "OpenAI's usage of web search",
  "organization/usage/decisions": "OpenAI's usage of decisions",
  "organization/projects/*/users": "OpenAI's members of projects",
  "organization/projects/*/groups": "OpenAI's groups of projects",
  "organization/projects/*/certificates": "OpenAI's certificates of projects",
  "organization/projects/*/model_permissions": "OpenAI's model permissions",
  "organization/projects/*/hosted_tool_permissions": "OpenAI's hosted tools",
  "organization/projects/*/service_tier_settings": "OpenAI's service tiers",
  "projects/*/roles": "OpenAI's roles of projects",
  "projects/*/users": "OpenAI's roles of projects",
  "projects/*/groups": "OpenAI's roles of projects",
};

/** What stands before such a path in an address: a base URL's `/v1`, and Azure's form. */
const before = /^\/+(?:openai\/+)?(?:deployments\/+[^/]+\/+)?(?:v1\/+)*/;

/** A part of another API that nothing here answers: what it is, and who might have. */
export interface UnservedPart {
  name: string;
  by: "no model here serves" | "this gateway does not have";
}

/** The part of another API that a path belongs to and that nothing here answers; null for any other path. */
export function findUnserved(path: string): UnservedPart | null {
  const rest = path.toLowerCase().replace(before, "").replace(/\/+/g, "/");
  const model = findBeginning(parts, rest);
  if (model !== null) return { name: model, by: "no model here serves" };
  const admin = findBeginning(adminParts, rest.replace(/^((?:organization\/)?projects)\/[^/]+\//, "$1/*/"));
  return admin === null ? null : { name: admin, by: "this gateway does not have" };
}

function findBeginning(among: Readonly<Record<string, string>>, path: string): string | null {
  const beginning = Object.keys(among).find((name) => path === name || path.startsWith(`${name}/`));
  return beginning === undefined ? null : (among[beginning] ?? null);
}
