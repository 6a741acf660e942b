import nuxtUi from "@nuxt/ui/vite";
import vue from "@vitejs/plugin-vue";
import { join } from "node:path";
import { defineConfig } from "vite";
import { Endpoint } from "#edge/agreements/records/model.ts";
import { ListenedType } from "#edge/control/events/types.ts";
import { endpointPaths } from "#edge/agreements/paths.ts";
import { sitePaths } from "#edge/doors/site-paths.ts";

const root = join(import.meta.dirname, "../..");

/** The portal, served under /portal/ (docs/portal.md). Icons are bundled, types land in `build/`. */
export default defineConfig({
  root: join(root, "edge/portal"),
  base: "/portal/",
  cacheDir: join(root, "node_modules/.vite-portal"),
  publicDir: "public",
  // Paths have one place, the edge's own table; the page must not bring its schemas along.
  define: {
    portalPaths: JSON.stringify({
      chat: endpointPaths["chat.completions"].edge,
      clientTokens: sitePaths.clientTokens,
      models: sitePaths.models,
      health: sitePaths.health,
    }),
    portalEndpoints: JSON.stringify(Endpoint.options),
    portalEvents: JSON.stringify(ListenedType.options),
    __VUE_OPTIONS_API__: "true",
    __VUE_PROD_DEVTOOLS__: "false",
  },
  plugins: [
    {
      name: "what-comes-first",
      // The theme before the first paint, and the letters with the script that writes with them: nothing jumps.
      transformIndexHtml: {
        order: "post",
        handler: (_, { bundle = {} }) => [
          { tag: "script", attrs: { src: "/portal/theme.js" }, injectTo: "head-prepend" },
          ...Object.keys(bundle)
            .filter((name) => name.includes("inter-latin-wght"))
            .map((name) => ({
              tag: "link",
              attrs: { rel: "preload", as: "font", type: "font/woff2", href: `/portal/${name}`, crossorigin: "" },
              injectTo: "head" as const,
            })),
        ],
      },
    },
    vue({ template: { transformAssetUrls: false } }),
    nuxtUi({
      root,
      colorMode: false,
      autoImport: { dts: join(root, "build/portal/types/auto-imports.d.ts") },
      components: { dts: join(root, "build/portal/types/components.d.ts") },
      icon: { clientBundle: { scan: { globInclude: ["edge/portal/**/*.{vue,ts}"], globExclude: ["node_modules"] } } },
      ui: {
        colors: { primary: "water", neutral: "mist", info: "water", secondary: "water" },
        button: { slots: { base: "cursor-pointer" } },
      },
    }),
  ],
  build: {
    outDir: process.env["PORTAL_OUT"] ?? join(root, "build/portal/site/portal"),
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
  },
  server: { port: 5173, proxy: makeProxy(process.env["PENSTOCK_EDGE"] ?? "http://127.0.0.1:8787") },
});

/**
 * `npm run portal` serves the pages itself; all else goes to the running stack, as from its own pages: of others it
 * takes no write by cookie.
 */
function makeProxy(edge: string) {
  const target = { target: edge, changeOrigin: true, headers: { origin: edge } };
  return Object.fromEntries(["/control", "/v1", "/auth", "/health", "/openapi.json"].map((path) => [path, target]));
}
