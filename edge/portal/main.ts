import { VueQueryPlugin } from "@tanstack/vue-query";
import bundledIcons from "@nuxt/ui/runtime/vue/plugins/icons.js";
import { createApp } from "vue";
import { answers } from "./api/queries.ts";
import { allowEmptyHtml } from "./model/trusted-types.ts";
import { router } from "./router.ts";
import App from "./shell/app.vue";
import "./look/styles.css";

allowEmptyHtml();
// Nuxt UI's own plugin would also put a style element into the page; what that says stands in look/colors.css.
const app = createApp(App).use(router).use(VueQueryPlugin, { queryClient: answers }).use(bundledIcons);
// In a task of its own: a press does not wait for scripts and page in one.
setTimeout(() => app.mount("#app"));
