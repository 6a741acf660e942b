// Brings Scalar up under a policy that lets in no inline style, no markup of others and no code from text
// (docs/decisions/0026): what it does by such means is done here by others that the policy allows.

// Its zod would try at first whether it may make code from text.
// oxlint-disable-next-line eslint/no-underscore-dangle -- its name for it
globalThis.__zod_globalConfig = { jitless: true };

// Attributes of style become properties, which scripts may set.
const { setAttribute } = Element.prototype;
Element.prototype.setAttribute = function (name, value) {
  if (name === "style") this.style.cssText = value;
  else setAttribute.call(this, name, value);
};

// Boxes that every operation has are groups, not landmarks of one name; and a box that finds says that its list is open.
const role = Object.getOwnPropertyDescriptor(Element.prototype, "role");
Object.defineProperty(Element.prototype, "role", {
  ...role,
  set(value) {
    role.set.call(this, value === "region" ? "group" : value);
    if (value === "combobox" && !this.ariaExpanded) this.ariaExpanded = "true";
  },
});

// Elements of style become sheets that scripts may adopt. What stands in the page in their stead is hidden, and its text
// is the sheet's for as long as it stands there.
const createElement = document.createElement.bind(document);
const sheets = new Map();
document.createElement = (name, options) => {
  if (name !== "style") return createElement(name, options);
  const style = createElement("span");
  style.hidden = true;
  const sheet = new CSSStyleSheet();
  sheets.set(style, sheet);
  const read = () => sheet.replaceSync(style.textContent);
  new MutationObserver(read).observe(style, { childList: true, characterData: true, subtree: true });
  return style;
};
function adoptSheets() {
  const wanted = [...sheets].filter(([style]) => style.isConnected).map(([, sheet]) => sheet);
  const now = document.adoptedStyleSheets;
  if (wanted.length !== now.length || wanted.some((sheet, at) => sheet !== now[at]))
    document.adoptedStyleSheets = wanted;
}
new MutationObserver(adoptSheets).observe(document, { childList: true, subtree: true });

// Text that becomes elements, as descriptions and coloured code do, loses what could act or be refused. Scalar cleans
// it as well; and whatever asks for a policy of its own gets this one.
if (globalThis.trustedTypes) {
  const policy = trustedTypes.createPolicy("default", {
    createHTML: (html) => html.replace(/(<[a-z][^>]*?) style="[^"]*"/gi, "$1"),
  });
  trustedTypes.createPolicy = () => policy;
}

const place = document.querySelector("#reference");
const { createApiReference } = await import(place.dataset.scalar);
const isDark = document.documentElement.classList.contains("dark");
createApiReference(place, {
  url: "/openapi.json",
  theme: "none",
  withDefaultFonts: false,
  forceDarkModeState: isDark ? "dark" : "light",
  hideDarkModeToggle: true,
  documentDownloadType: "direct",
  authentication: { preferredSecurityScheme: "apiKey" },
  persistAuth: false,
  // All that would leave this gateway.
  telemetry: false,
  hideClientButton: true,
  showDeveloperTools: "never",
  agent: { disabled: true },
  mcp: { disabled: true },
});
