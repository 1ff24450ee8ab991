// Keeps an open page up to date: hears what changes, and loads again the parts that show it.
//
// A part:    <section id="alerts" data-live="alert,task">…</section>
//            It is loaded again (from data-live-from, else from the page's own address) when something of these
//            kinds happens: the first words of the kinds of the journal's lines (task, alert, intervention,
//            delivery, draft, offer, opportunity, command, contact, in_app, playbook, …), or score, churn,
//            engagement. "*" is everything. It needs an id. With data-live-customer="ID" only what is about that
//            customer counts. What belongs together should be one part: each is one request.
// A mark:    <span data-live-mark></span> says "Live" or "Offline, trying again". Without one the page gets it
//            at its end.
// A page:    <main data-live-off> is never kept up to date.
//
// A part is not touched while a dialog is open, while somebody types in it, holds a mouse button on it or has
// marked text in it: it is loaded when that is over. After a broken line the page comes back with the last
// cursor and hears what it missed; where that is too much, all parts are loaded again. A hidden tab waits.
//
// Other scripts hear document's "keepwell:live" with {changed, customers, many} as detail, and with
// "keepwell:stats" the portfolio's figures as GET /api/dashboard/stats has them.
"use strict";

(function () {
  const PATH = "/api/ws/dashboard";
  const GATHERS = 400; // ms in which further changes join the same load
  const RESTS = 3000; // ms from one load to the next
  const SLOWEST = 30000;
  const SILENT = 60000; // a line that says nothing for so long is dead: the server pings more often
  const ENDED = 4401, FORBIDDEN = 4403, TOO_MANY = 4429;

  if (!document.querySelector("[data-live]") || document.querySelector("[data-live-off]")) return;

  // Where the page stood when it was made: what has happened since is told at once.
  let cursor = document.querySelector("meta[name=live]")?.content ?? "";
  let tries = 0, socket = null, quiet = null, timer = null, loading = false;
  const due = new Set();
  const mark = document.querySelector("[data-live-mark]") ?? document.body.appendChild(document.createElement("p"));
  mark.classList.add("live-mark");

  function show(state, words, why) {
    if (mark.dataset.state === state) return;
    // That all is well from the start is nothing to be read out.
    if (mark.dataset.state || state !== "live") mark.setAttribute("role", "status");
    mark.dataset.state = state;
    mark.textContent = words;
    mark.title = why;
  }

  function connect() {
    const where = new URL(PATH, location.href);
    where.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    if (cursor) where.searchParams.set("since", cursor);
    socket = new WebSocket(where);
    socket.addEventListener("message", (event) => hear(JSON.parse(event.data)));
    socket.addEventListener("close", (event) => closed(event.code));
    listen();
  }

  function listen() {
    clearTimeout(quiet);
    quiet = setTimeout(() => socket?.close(), SILENT);
  }

  function closed(code) {
    clearTimeout(quiet);
    socket = null;
    if (code === ENDED || code === FORBIDDEN) return show("off", "Not live", "Sign in again to see changes as they come.");
    if (code === TOO_MANY) return show("off", "Not live", "Too many windows are open. Load the page again to see changes.");
    tries += 1;
    show("trying", "Offline, trying again", "What is shown may be out of date.");
    // A little by chance, so that all windows do not come back at the same moment.
    const wait = Math.min(SLOWEST, 500 * 2 ** Math.min(tries, 8)) * (0.5 + Math.random() / 2);
    setTimeout(connect, wait);
  }

  function hear(message) {
    listen();
    if (message.cursor) cursor = message.cursor;
    switch (message.type) {
      case "ready":
        if (!message.data.resumed) touch(() => true);
        tries = 0;
        break;
      case "reset": tries = 0; touch(() => true); break;
      case "dashboard_update": changed(message.data); break;
      case "dashboard_stats": tell("keepwell:stats", message.data); return;
      default: return;
    }
    show("live", "Live", "Changes show as they come.");
  }

  function tell(name, detail) {
    document.dispatchEvent(new CustomEvent(name, { detail }));
  }

  function changed(data) {
    tell("keepwell:live", data);
    touch((part) => {
      const wanted = part.dataset.live.split(",").map((word) => word.trim());
      const whose = part.dataset.liveCustomer;
      const theirs = !whose || data.many || !data.customers.length || data.customers.includes(whose);
      return theirs && (wanted.includes("*") || data.changed.some((kind) => wanted.includes(kind)));
    });
  }

  function touch(fits) {
    for (const part of document.querySelectorAll("[data-live]")) if (part.id && fits(part)) due.add(part.id);
    later(GATHERS);
  }

  function later(wait) {
    if (due.size && timer === null && !loading) timer = setTimeout(() => { timer = null; load(); }, wait);
  }

  function busy(part) {
    if (document.querySelector("dialog[open]")) return true;
    const at = document.activeElement;
    if (part.contains(at) && at.matches("input, select, textarea, [contenteditable]")) return true;
    if (part.matches(":active")) return true;
    const marked = getSelection();
    return Boolean(marked && !marked.isCollapsed && part.contains(marked.anchorNode));
  }

  async function load() {
    if (loading || document.hidden) return; // asked again by what ends it
    loading = true;
    const parts = new Map(); // by the address they come from: one request for all that share it
    for (const id of [...due]) {
      const part = document.getElementById(id);
      if (part && busy(part)) continue;
      due.delete(id);
      if (!part) continue;
      const from = part.dataset.liveFrom || location.pathname + location.search;
      parts.set(from, [...(parts.get(from) ?? []), id]);
    }
    for (const [from, ids] of parts) if (!(await bring(from, ids))) ids.forEach((id) => due.add(id));
    loading = false;
    later(RESTS);
  }

  async function bring(from, ids) {
    const html = await keepwell.read(from);
    if (html === null) return false;
    for (const id of ids) {
      const part = document.getElementById(id);
      // While it was on its way somebody may have begun to type.
      if (!part || busy(part)) { if (part) due.add(id); continue; }
      const at = part.contains(document.activeElement) ? document.activeElement : null;
      const row = at?.closest("[data-row]")?.dataset.row;
      const own = at?.id;
      const unfold = keepwell.keepOpen(part);
      htmx.swap(part, html, { swapStyle: "outerHTML", swapDelay: 0, settleDelay: 0 }, { select: `#${CSS.escape(id)}` });
      unfold();
      // The same place has the focus again, for whoever works by keyboard.
      const again = (own && document.getElementById(own)) || (row && document.querySelector(`[data-row="${CSS.escape(row)}"]`));
      if (at && again) again.focus({ preventScroll: true });
    }
    return true;
  }

  document.addEventListener("visibilitychange", () => { if (!document.hidden) later(0); });
  document.addEventListener("close", () => later(GATHERS), true);

  connect();
})();
