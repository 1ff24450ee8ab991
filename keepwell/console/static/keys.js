// Keys: from row to row, what a row or a page offers by one letter, and sending a dialog from any of its fields.
"use strict";

(function () {
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && event.target.closest("details.me[open], details[data-menu][open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
      return;
    }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      const form = event.target.closest("dialog[open] form");
      if (form) {
        event.preventDefault();
        form.requestSubmit();
      }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea, dialog[open]")) return;
    if (event.key === "/" || event.key === "?") {
      event.preventDefault();
      if (event.key === "/") document.querySelector("[data-search]")?.focus();
      else keepwell.open(document.getElementById("keys"), null);
      return;
    }
    const rows = [...document.querySelectorAll("[data-row]")].filter((one) => !one.closest("details:not([open])"));
    const at = rows.indexOf(document.activeElement?.closest("[data-row]"));
    if (event.key === "j" || event.key === "k") {
      const next = rows[Math.max(0, Math.min(rows.length - 1, at + (event.key === "j" ? 1 : -1)))];
      next?.focus();
      next?.scrollIntoView({ block: "nearest" });
      return;
    }
    const wanted = `[data-key="${CSS.escape(event.key)}"]`;
    const control = at >= 0 ? rows[at].querySelector(wanted) : null;
    const free = (one) => !one.closest("[data-row]") || one.closest("[data-main]");
    (control ?? [...document.querySelectorAll(wanted)].find(free))?.click();
  });
})();
