// The portfolio's filters and the views that people keep.
"use strict";

(function () {
  const list = () => document.getElementById("customers");

  // Only what was filled in stands in the address. An empty segment or plan is one: those without.
  const meant = (name, value) => value !== "" || name === "segment" || name === "plan";
  document.addEventListener("htmx:configRequest", (event) => {
    if (!event.target.matches?.("form[data-tidy]")) return;
    const given = event.detail.parameters;
    for (const name of new Set(Object.keys(given))) if (!meant(name, given[name])) delete given[name];
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-tidy]")) return;
    for (const one of event.target.elements) if (one.name && !meant(one.name, one.value)) one.disabled = true;
  });

  // What is unfolded stays so when the list is loaded again, and what one has pressed keeps the focus.
  let opened = [], at = "";
  document.addEventListener("htmx:beforeSwap", (event) => {
    const part = event.detail.target;
    if (part?.id !== "customers") return;
    opened = [...part.querySelectorAll("details[open][id]")].map((one) => one.id);
    at = part.contains(document.activeElement) ? document.activeElement.id : "";
  });
  document.addEventListener("htmx:load", (event) => {
    if (event.detail.elt.id !== "customers") return;
    opened.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
    if (at && document.activeElement === document.body) document.getElementById(at)?.focus({ preventScroll: true });
    [opened, at] = [[], ""];
  });

  // One menu is open at a time; Escape and a click beside it close it.
  document.addEventListener("click", (event) => {
    for (const one of document.querySelectorAll("details.choose[open]")) {
      if (!one.contains(event.target)) one.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && event.target.closest?.("details.choose[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  const path = (name, shared) => `/api/v1/views/${encodeURIComponent(name)}${shared ? "?shared=true" : ""}`;

  async function keep(name, query, shared) {
    return keepwell.call(`PUT ${path(name, false)}`, { query, shared });
  }

  async function drop(name, shared) {
    return keepwell.call(`DELETE ${path(name, shared)}`);
  }

  // The dialog stays open while views are changed; the chips above the list follow.
  async function follow() {
    await keepwell.refresh("#own-views");
    if (list()) await keepwell.refresh("#customers");
  }

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("form[data-keep-view], form[data-rename-view]")) return;
    event.preventDefault();
    const dialog = form.closest("dialog");
    try {
      const name = form.elements.name.value.trim();
      if (form.matches("[data-keep-view]")) {
        const said = await keep(name, form.elements.query.value, Boolean(form.elements.shared?.checked));
        dialog.close();
        keepwell.toast(said.text);
      } else if (name !== form.dataset.name) {
        const shared = Boolean(form.dataset.shared);
        await keep(name, form.dataset.query, shared);
        await drop(form.dataset.name, shared);
        keepwell.toast(`The view is named “${name}” now.`);
      }
      await follow();
    } catch (problem) {
      keepwell.say(problem, dialog);
    }
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-drop-view]");
    if (!button) return;
    const { name, query, shared } = button.closest("form").dataset;
    try {
      const said = await drop(name, Boolean(shared));
      const back = () => keep(name, query, Boolean(shared)).then(follow, keepwell.say);
      // Behind an open dialog nobody could press Undo.
      button.closest("dialog").close();
      keepwell.toast(said.text, { undo: back });
      await follow();
    } catch (problem) {
      keepwell.say(problem, button.closest("dialog"));
    }
  });
})();
