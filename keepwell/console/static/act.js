// Whatever a page does goes through here: it calls the API, says what came of it, and loads again what changed.
//
// A button:  <button data-act="POST /api/v1/…" data-body='{…}' data-done="Paused" data-refresh="#content"
//                    data-sure="Really?" data-undo="POST /api/v1/…" data-undo-body='{…}'>
//            An answer's own `text` and `undo` ({method, path, body}) go before data-done and data-undo.
// A form:    the same attributes on <form>; its fields join the body. A field's data-type says what it becomes:
//            number, boolean, list (commas or several fields of the name), json, moment (the organisation's time to UTC),
//            listed (the data-id of what was chosen from its datalist). data-as is the name it goes by.
//            An empty field is left out unless it has data-empty (then null; data-empty="text": ""); one with
//            data-changed goes only where somebody has changed it. data-undo-before on the form: an undo is the
//            same call with the values from before. data-some: not without a change.
//            data-own-words: data-done goes before the answer's text. data-match="…" goes as If-Match. What is wrong with a field
//            is said at the field of that name (or with data-place="…"), and nothing that was typed is lost; a
//            page that handles a refusal itself cancels keepwell:wrong.
// A dialog:  data-open="id" opens <dialog id="id">; data-close closes the dialog around it. One dialog may serve
//            many rows: data-with='{"ref": "…", "name": "…"}' on what opens it fills {ref} in the form's
//            data-act-for and data-undo-for, what has data-say="name" is told its value, and the field named in
//            data-value="name" gets it. What the form did is then told to the row (keepwell:done).
// Keys:      data-key="a" on a control is its shortcut while its row (data-row) is the chosen one, or else on
//            the page (in the row with data-main, or in none); j and k choose. "/" goes to the search, "?" opens
//            the dialog with the id "keys".
"use strict";

(function () {
  const csrf = document.querySelector("meta[name=csrf]")?.content ?? "";

  async function call(what, body, more = {}) {
    const [method, path] = what.split(" ");
    const headers = { "X-CSRF-Token": csrf, Accept: "application/json", ...more };
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

  // An answer of the API names steps as their playbook does: roadmap_email.
  const plain = (text) => text.replace(/(?<![\w.@-])[a-z]+(?:_[a-z0-9]+)+(?![\w@])(?!\.\w)/g, (name) => name.replaceAll("_", " "));

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
    carry();
    toasts.append(box);
    // An error stays until it is read.
    if (!wrong) setTimeout(() => box.remove(), undo ? 12000 : 6000);
  }

  const toasts = document.getElementById("toasts");
  const opened = [];

  // What lies beneath a modal dialog can't be clicked, whatever its layer: toasts go with the topmost one.
  function carry() {
    const over = opened.findLast((one) => one.open && one.isConnected) ?? document.body;
    if (toasts && toasts.parentElement !== over) over.append(toasts);
  }

  // What somebody has unfolded stays so when a part is loaded again.
  function keepOpen(part) {
    const opened = [...part.querySelectorAll("details[open][id]")].map((one) => one.id);
    return () => opened.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
  }

  // The HTML of a page as it is now, null where it cannot be had.
  async function read(from = location.pathname + location.search) {
    try {
      const answer = await fetch(from, { headers: { "HX-Request": "true", Accept: "text/html" }, credentials: "same-origin" });
      // Signed out meanwhile: to the sign-in.
      if (answer.headers.get("HX-Redirect")) location.assign(answer.headers.get("HX-Redirect"));
      return answer.ok ? await answer.text() : null;
    } catch {
      return null;
    }
  }

  async function refresh(selector, row = null) {
    const part = selector ? document.querySelector(selector) : null;
    // What somebody is filling in stays.
    if (!part || part.querySelector("dialog[open]")) return;
    const inside = part.contains(document.activeElement);
    const at = row ?? (inside && document.activeElement.closest("[data-row]")?.dataset.row);
    const again = keepOpen(part);
    await htmx.ajax("GET", location.pathname + location.search, { target: selector, select: selector, swap: "outerHTML" });
    again();
    // The focus was in what is gone. Whoever has moved on meanwhile is left where they are.
    if (at && document.activeElement === document.body) {
      document.querySelector(`[data-row="${CSS.escape(at)}"]`)?.focus({ preventScroll: true });
    }
  }

  // Pages show moments on the organisation's clock, so fields mean it too, wherever the browser is.
  const zone = document.querySelector("meta[name=zone]")?.content || "UTC";

  // The organisation's wall clock at a moment (ms), as if it were UTC's.
  function wall(at) {
    const parts = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric",
      day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" }).formatToParts(at);
    const of = Object.fromEntries(parts.map((one) => [one.type, Number(one.value)]));
    return Date.UTC(of.year, of.month - 1, of.day, of.hour, of.minute, of.second);
  }

  // What a datetime-local field says, as a moment. An hour that a clock skips is taken as the one after it.
  function instant(text) {
    const said = Date.parse(`${text}Z`);
    let at = said;
    for (let tries = 0; tries < 2; tries += 1) at += said - wall(at);
    return new Date(at).toISOString();
  }

  // A moment as a datetime-local field takes it.
  const wallClock = (moment) => new Date(wall(Date.parse(moment))).toISOString().slice(0, 16);

  function value(field) {
    const text = field.value;
    switch (field.dataset.type) {
      case "number": return Number(text);
      case "boolean": return field.type === "checkbox" ? field.checked : text === "true";
      case "list": return text.split(",").map((part) => part.trim()).filter(Boolean);
      case "json": return JSON.parse(text);
      case "moment": return instant(text);
      case "listed": return [...(field.list?.options ?? [])].find((one) => one.value === text)?.dataset.id ?? text.trim();
      default: return text;
    }
  }

  function unchanged(field) {
    if (field.type === "checkbox" || field.type === "radio") return field.checked === field.defaultChecked;
    if (field.tagName === "SELECT") return field.value === initial(field);
    return field.value === field.defaultValue;
  }

  function initial(field) {
    if (field.tagName !== "SELECT") return field.type === "checkbox" ? field.defaultChecked : field.defaultValue;
    return ([...field.options].find((one) => one.defaultSelected) ?? field.options[0])?.value ?? "";
  }

  // What the fields of a body were before: as their pages came.
  function before(form, body) {
    const were = {};
    for (const name of Object.keys(body)) {
      const field = form.elements.namedItem(name);
      if (!(field instanceof Element)) continue;
      const was = initial(field);
      if (typeof was === "boolean") were[name] = was;
      else if (was === "") were[name] = field.dataset.empty === "text" ? "" : null;
      else were[name] = field.dataset.type === "number" ? Number(was) : field.dataset.type === "boolean" ? was === "true" : was;
    }
    return were;
  }

  function fields(form) {
    const body = {};
    for (const field of form.elements) {
      if (!field.name || field.disabled || (field.type === "radio" && !field.checked)) continue;
      if (field.type === "checkbox" && field.dataset.type !== "boolean") {
        if (field.checked) body[field.name] = [...(body[field.name] ?? []), field.value];
        continue;
      }
      if ("changed" in field.dataset && unchanged(field)) continue;
      if (field.value === "" && field.dataset.type !== "boolean") {
        if ("empty" in field.dataset) body[field.name] = field.dataset.empty === "text" ? "" : null;
        continue;
      }
      body[field.dataset.as ?? field.name] = value(field);
    }
    return body;
  }

  // What was clicked may have been loaded anew meanwhile: then the page is told.
  function announce(from, name, detail) {
    const at = from.isConnected ? from : document.body;
    return at.dispatchEvent(new CustomEvent(name, { bubbles: true, cancelable: true, detail }));
  }

  async function act(element, instead) {
    const what = instead ?? element.dataset.act;
    const { done, refresh: part, sure, undo, undoBody } = element.dataset;
    if (sure && !window.confirm(sure)) return;
    const fixed = JSON.parse(element.dataset.body || "{}");
    const body = element.tagName === "FORM" ? { ...fixed, ...fields(element) } : fixed;
    if ("some" in element.dataset && !Object.keys(body).length) return toast("Nothing has changed.");
    const were = "undoBefore" in element.dataset ? before(element, body) : null;
    const buttons = element.tagName === "FORM" ? element.querySelectorAll("button") : [element];
    buttons.forEach((one) => { one.disabled = true; });
    try {
      const answer = await call(what, body, element.dataset.match ? { "If-Match": element.dataset.match } : {});
      element.closest("dialog")?.close();
      const from = origin(element);
      const tell = (name, detail) => announce(from, name, { ...detail, from });
      const way = answer.undo
        ? [`${answer.undo.method} ${answer.undo.path}`, answer.undo.body ?? {}]
        : undo ? [undo, JSON.parse(undoBody || "{}")]
          : were && Object.keys(were).length ? [what, { ...fixed, ...were }] : null;
      const back = way && (() => call(...way).then(() => tell("keepwell:undone", {}) && refresh(part), say));
      const text = plain(("ownWords" in element.dataset ? done : answer.text) || done || "Done.");
      // A row that says itself what happened cancels the event.
      if (tell("keepwell:done", { answer, text, undo: back })) {
        toast(text, { undo: back });
        await refresh(part, from.closest("[data-row]")?.dataset.row);
      }
    } catch (problem) {
      if (announce(element, "keepwell:wrong", problem)) say(problem, element);
    } finally {
      buttons.forEach((one) => { one.disabled = false; });
    }
  }

  function say(problem, element) {
    const rest = element?.tagName === "FORM" ? mark(element, problem) : problem.errors ?? [];
    const marked = (problem.errors?.length ?? 0) > rest.length;
    const title = marked && !rest.length ? "It was not saved: see the marked field." : problem.title ?? "Something failed here.";
    const wrong = rest.filter((one) => one.message !== title).map((one) => `${one.place}: ${one.message}`).join("; ");
    const detail = marked && !rest.length ? "" : wrong || problem.detail || (problem.title ? "" : String(problem));
    const place = element?.querySelector?.("[data-wrong]");
    if (place) {
      place.textContent = `${title} ${detail}`.trim();
      place.hidden = false;
    } else {
      toast(title, { wrong: true, detail });
    }
  }

  // Says at each field what is wrong with it, and leads to the first. What belongs to none is given back.
  function mark(form, problem) {
    unmark(form);
    const rest = [];
    let first = null;
    for (const one of problem.errors ?? []) {
      const field = fieldOf(form, one.place);
      if (!field) { rest.push(one); continue; }
      const own = one.message === problem.title && problem.detail ? `${one.message} ${problem.detail}` : one.message;
      note(field, sentence(own), true);
      if (!first || field.compareDocumentPosition(first) & Node.DOCUMENT_POSITION_FOLLOWING) first = field;
    }
    first?.focus();
    return rest;
  }

  // What the API says of a value, as people would: a pattern is none of theirs.
  function sentence(message) {
    if (/^String should match pattern/.test(message)) return "This does not fit.";
    const text = message.replace(/^Value error, /, "");
    return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
  }

  function fieldOf(form, place) {
    const name = place.split(".").find((part) => part !== "body") ?? "";
    const named = form.elements.namedItem(name);
    return form.querySelector(`[data-place="${CSS.escape(place)}"]`) ?? (named instanceof Element ? named : named?.[0]) ?? null;
  }

  function note(field, text, wrong) {
    const words = document.createElement("p");
    words.className = wrong ? "wrong field-note" : "field-note";
    words.id = `note-${field.id || field.name}`;
    words.textContent = text;
    document.getElementById(words.id)?.remove();
    (field.closest(".field, fieldset") ?? field.parentElement).append(words);
    field.dataset.said ??= field.getAttribute("aria-describedby") ?? "";
    field.setAttribute("aria-describedby", `${field.dataset.said} ${words.id}`.trim());
    if (wrong) field.setAttribute("aria-invalid", "true");
  }

  function unmark(within) {
    const noted = within.matches?.("[data-said]") ? [within] : within.querySelectorAll("[data-said]");
    for (const field of noted) {
      document.getElementById(`note-${field.id || field.name}`)?.remove();
      field.removeAttribute("aria-invalid");
      if (field.dataset.said) field.setAttribute("aria-describedby", field.dataset.said);
      else field.removeAttribute("aria-describedby");
      delete field.dataset.said;
    }
  }

  document.addEventListener("input", (event) => { if (event.target.matches("[data-said]")) unmark(event.target); });

  const openers = new WeakMap();

  // From what is in a dialog to what has opened it, through all dialogs.
  function origin(element) {
    const opener = openers.get(element.closest("dialog"));
    return opener ? origin(opener) : element;
  }

  function fill(dialog, opener) {
    const given = JSON.parse(opener.dataset.with || "{}");
    const filled = (text) => text.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(given[name] ?? ""));
    for (const form of dialog.querySelectorAll("form")) {
      form.reset();
      if (form.dataset.actFor) form.dataset.act = filled(form.dataset.actFor);
      if (form.dataset.undoFor) form.dataset.undo = filled(form.dataset.undoFor);
    }
    for (const one of dialog.querySelectorAll("[data-say]")) one.textContent = given[one.dataset.say] ?? "";
    for (const one of dialog.querySelectorAll("[data-value]")) one.value = given[one.dataset.value] ?? "";
    for (const one of dialog.querySelectorAll("[data-wrong]")) one.hidden = true;
    unmark(dialog);
  }

  function open(dialog, opener) {
    if (!dialog || dialog.open) return;
    openers.set(dialog, opener);
    if (opener) fill(dialog, opener);
    dialog.showModal();
    opened.push(...opened.splice(0).filter((one) => one.open && one !== dialog), dialog);
    carry();
  }

  // Before a part of the page that holds the dialog is loaded again: it would take the toasts with it.
  document.addEventListener("close", carry, true);
  document.addEventListener("htmx:afterSwap", carry);

  // A part that was asked for before a dialog in it was opened must not take the dialog away.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target?.querySelector?.("dialog[open]")) event.detail.shouldSwap = false;
  });

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-open]");
    if (opener) open(document.getElementById(opener.dataset.open), opener);
    const closer = event.target.closest("[data-close]");
    if (closer) closer.closest("dialog")?.close();
    const button = event.target.closest("button[data-act]");
    if (button) act(button);
    for (const menu of document.querySelectorAll("details.me[open], details[data-menu][open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-act]")) return;
    event.preventDefault();
    // A form may have a second button that does something else with the same fields.
    act(event.target, event.submitter?.dataset.instead);
  });

  window.keepwell = { call, toast, refresh, say, open, keepOpen, note, unmark, unchanged, initial, read, instant, wallClock };
})();
