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
createApp(App).use(router).use(VueQueryPlugin, { queryClient: answers }).use(bundledIcons).mount("#app");
