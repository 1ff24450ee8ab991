// Whatever a page does goes through here: it calls the API, says what came of it, and loads again what changed.
//
// A button:  <button data-act="POST /api/v1/…" data-body='{…}' data-done="Paused" data-refresh="#content"
//                    data-sure="Really?" data-undo="POST /api/v1/…" data-undo-body='{…}'>
// A form:    the same attributes on <form>; its fields join the body. A field's data-type says what it becomes:
//            number, boolean, list (commas or several fields of the name), json, moment (local time to UTC).
//            An empty field is left out unless it has data-empty (then null).
// A dialog:  data-open="id" opens <dialog id="id">; data-close closes the dialog around it.
// Keys:      data-key="a" on a control is its shortcut while its row (data-row) is the chosen one; j and k choose.
"use strict";

(function () {
  const csrf = document.querySelector("meta[name=csrf]")?.content ?? "";

  async function call(what, body) {
    const [method, path] = what.split(" ");
    const headers = { "X-CSRF-Token": csrf, Accept: "application/json" };
    if (body !== undefined && method !== "GET") headers["Content-Type"] = "application/json";
    let answer;
    try {
      answer = await fetch(path, {
        method,
        headers,
        credentials: "same-origin",
        body: headers["Content-Type"] ? JSON.stringify(body) : undefined,
      });
    } catch {
      throw { title: "Keepwell does not answer.", detail: "Nothing was changed. Try again in a moment." };
    }
    if (answer.status === 401) {
      location.assign("/sign-in?next=" + encodeURIComponent(location.pathname + location.search));
      return {};
    }
    const text = await answer.text();
    const data = text ? JSON.parse(text) : {};
    if (!answer.ok) throw data;
    return data;
  }

  function toast(text, { wrong = false, detail = "", undo = null } = {}) {
    const box = document.createElement("div");
    box.className = wrong ? "toast wrong" : "toast";
    const words = document.createElement("p");
    words.textContent = text;
    box.append(words);
    if (detail) {
      const more = document.createElement("p");
      more.className = "soft";
      more.textContent = detail;
      box.append(more);
    }
    if (undo) {
      const button = document.createElement("button");
      button.className = "plain";
      button.textContent = "Undo";
      button.addEventListener("click", () => { box.remove(); undo(); });
      box.append(button);
    }
    const close = document.createElement("button");
    close.className = "plain";
    close.textContent = "Close";
    close.addEventListener("click", () => box.remove());
    box.append(close);
    document.getElementById("toasts").append(box);
    // An error stays until it is read.
    if (!wrong) setTimeout(() => box.remove(), undo ? 12000 : 6000);
  }

  async function refresh(selector) {
    if (!selector || !document.querySelector(selector)) return;
    const at = document.activeElement?.closest("[data-row]")?.dataset.row;
    await htmx.ajax("GET", location.pathname + location.search, { target: selector, select: selector, swap: "outerHTML" });
    if (at) document.querySelector(`[data-row="${CSS.escape(at)}"]`)?.focus();
  }

  function value(field) {
    const text = field.value;
    switch (field.dataset.type) {
      case "number": return Number(text);
      case "boolean": return field.type === "checkbox" ? field.checked : text === "true";
      case "list": return text.split(",").map((part) => part.trim()).filter(Boolean);
      case "json": return JSON.parse(text);
      case "moment": return new Date(text).toISOString();
      default: return text;
    }
  }

  function fields(form) {
    const body = {};
    for (const field of form.elements) {
      if (!field.name || field.disabled || (field.type === "radio" && !field.checked)) continue;
      if (field.type === "checkbox" && field.dataset.type !== "boolean") {
        if (field.checked) body[field.name] = [...(body[field.name] ?? []), field.value];
        continue;
      }
      if (field.value === "" && field.dataset.type !== "boolean") {
        if ("empty" in field.dataset) body[field.name] = null;
        continue;
      }
      body[field.name] = value(field);
    }
    return body;
  }

  async function act(element) {
    const { act: what, done, refresh: part, sure, undo, undoBody } = element.dataset;
    if (sure && !window.confirm(sure)) return;
    const fixed = JSON.parse(element.dataset.body || "{}");
    const body = element.tagName === "FORM" ? { ...fixed, ...fields(element) } : fixed;
    const buttons = element.tagName === "FORM" ? element.querySelectorAll("button") : [element];
    buttons.forEach((one) => { one.disabled = true; });
    try {
      const answer = await call(what, body);
      element.closest("dialog")?.close();
      const back = undo
        ? () => call(undo, JSON.parse(undoBody || "{}")).then(() => refresh(part), say)
        : null;
      toast(answer.text || done || "Done.", { undo: back });
      element.dispatchEvent(new CustomEvent("keepwell:done", { bubbles: true, detail: answer }));
      await refresh(part);
    } catch (problem) {
      say(problem, element);
    } finally {
      buttons.forEach((one) => { one.disabled = false; });
    }
  }

  function say(problem, element) {
    const wrong = problem.errors?.map((one) => `${one.place}: ${one.message}`).join("; ");
    const title = problem.title ?? "Something failed here.";
    const detail = wrong || problem.detail || (problem.title ? "" : String(problem));
    const place = element?.querySelector?.("[data-wrong]");
    if (place) {
      place.textContent = `${title} ${detail}`;
      place.hidden = false;
    } else {
      toast(title, { wrong: true, detail });
    }
  }

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-open]");
    if (opener) document.getElementById(opener.dataset.open)?.showModal();
    const closer = event.target.closest("[data-close]");
    if (closer) closer.closest("dialog")?.close();
    const button = event.target.closest("button[data-act]");
    if (button) act(button);
    const menu = document.querySelector("details.me[open]");
    if (menu && !menu.contains(event.target)) menu.open = false;
  });

  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-act]")) return;
    event.preventDefault();
    act(event.target);
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea, dialog")) return;
    const rows = [...document.querySelectorAll("[data-row]")];
    const at = rows.indexOf(document.activeElement?.closest("[data-row]"));
    if (event.key === "j" || event.key === "k") {
      const next = rows[Math.max(0, Math.min(rows.length - 1, at + (event.key === "j" ? 1 : -1)))];
      next?.focus();
      next?.scrollIntoView({ block: "nearest" });
      return;
    }
    const within = at >= 0 ? rows[at] : document;
    within.querySelector(`[data-key="${CSS.escape(event.key)}"]`)?.click();
  });

  window.keepwell = { call, toast, refresh, say };
})();
