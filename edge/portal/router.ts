import { createRouter, createWebHistory, type RouteRecordRaw } from "vue-router";
import { chooseOrg, currentOrg, restoreSession, session } from "./api/session.ts";
import { readTarget } from "./model/target.ts";
import { pageList } from "./page-list.ts";
import texts from "./texts/en.json";

const files = import.meta.glob("./pages/*/*.vue");

const routes = pageList.map(({ name, group }): RouteRecordRaw => {
  const load = files[`./pages/${group}/${name}.vue`];
  if (!load) throw new Error(`the page ${name} has no file in pages/${group}`);
  return { name, path: name === "overview" ? "/" : `/${name}`, component: load };
});

/**
 * Addresses are /portal/PAGE?org=ORG&…: each can be sent to a colleague. Whoever is not signed in comes by the sign-in
 * page, and goes on to where they were going.
 */
export const router = createRouter({ history: createWebHistory("/portal/"), routes });

router.beforeEach(async (to) => {
  if (!session.isKnown) await restoreSession();
  if (to.name === "sign-in") return session.who ? readTarget(to.hash) : true;
  // Behind the `#`, since an address may hold an invitation: no server sees it there.
  if (!session.who) return { name: "sign-in", hash: `#${to.fullPath}` };
  const { org } = to.query;
  if (typeof org === "string") chooseOrg(org);
  const shown = currentOrg.value?.id;
  // An address without its org would show a colleague something else.
  return shown !== undefined && org !== shown ? { ...to, query: { ...to.query, org: shown } } : true;
});

const titles: Record<string, { title: string }> = texts.pages;

router.afterEach((to) => {
  document.title = `${titles[String(to.name)]?.title ?? ""} · Penstock`;
});
