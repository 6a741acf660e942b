// Before the first paint, so that nobody who reads in the dark is dazzled.
(() => {
  const kept = localStorage.getItem("penstock.theme");
  const isDark = kept === "dark" || (kept !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.classList.toggle("dark", isDark);
})();
