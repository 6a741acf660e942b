/** The baseline: a worker that passes each call on to the origin and does nothing else. */
export default {
  fetch: (request, env) => fetch(env.ORIGIN + new URL(request.url).pathname, request),
} satisfies ExportedHandler<{ ORIGIN: string }>;
