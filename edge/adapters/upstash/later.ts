/** Keeps work going after the answer has left. The platform's module exists in workerd only, so it is asked for when it is needed. */
export const later = (work: () => Promise<void>): void => {
  void import("cloudflare:workers").then(({ waitUntil }) => waitUntil(work()));
};
