import { ref, type Ref } from "vue";

const isDark = ref(document.documentElement.classList.contains("dark"));

/** Is the page dark, and how to have it so, or not, from now on (public/theme.js sets it before the first paint). */
export function useTheme(): { isDark: Ref<boolean>; setDark: (wish: boolean) => void } {
  return { isDark, setDark };
}

function setDark(wish: boolean): void {
  document.documentElement.classList.toggle("dark", wish);
  localStorage.setItem("penstock.theme", wish ? "dark" : "light");
  isDark.value = wish;
}
