// Choosing rows of the list, and keeping it up to date without moving anything that somebody works on.
// window.chosen: a Map of the chosen customers by id. Other scripts hear document's "keepwell:chosen".
"use strict";

(function () {
  const chosen = new Map();
  let last = null; // the box that a click with Shift goes on from
  window.chosen = chosen;
  const boxes = () => [...document.querySelectorAll("[data-choose]")];
  const about = (box) => JSON.parse(box.dataset.choose);
  const count = (number) => `${number.toLocaleString("en")} customer${number === 1 ? "" : "s"}`;

  function put(box, on) {
    const one = about(box);
    if (on) chosen.set(one.id, one);
    else chosen.delete(one.id);
  }

  function show() {
    const all = boxes();
    for (const box of all) {
      box.checked = chosen.has(about(box).id);
      box.closest("tr").classList.toggle("chosen", box.checked);
    }
    const here = all.filter((box) => box.checked).length;
    const page = document.querySelector("[data-choose-page]");
    if (page) {
      page.checked = all.length > 0 && here === all.length;
      page.indeterminate = here > 0 && here < all.length;
    }
    const bar = document.getElementById("bulk");
    if (!bar) return;
    const [total, most] = [Number(bar.dataset.total), Number(bar.dataset.most)];
    bar.hidden = chosen.size === 0;
    bar.querySelector("[data-chosen]").textContent = `${count(chosen.size)} chosen`;
    const more = bar.querySelector("[data-choose-all]");
    const fit = Math.min(total, most);
    more.hidden = here < all.length || chosen.size >= fit;
    more.textContent = total > most ? `Choose the first ${most} of ${total.toLocaleString("en")}` : `Choose all ${total.toLocaleString("en")}`;
    document.dispatchEvent(new CustomEvent("keepwell:chosen"));
    if (chosen.size === 0) renew();
  }

  function none() {
    chosen.clear();
    last = null;
    show();
  }

  document.addEventListener("click", (event) => {
    const box = event.target.closest("[data-choose]");
    if (box) {
      const all = boxes();
      const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((one, two) => one - two);
      const range = event.shiftKey && from >= 0 ? all.slice(from, to + 1) : [box];
      range.forEach((one) => put(one, box.checked));
      last = box;
      show();
    }
    const page = event.target.closest("[data-choose-page]");
    if (page) {
      boxes().forEach((one) => put(one, page.checked));
      show();
    }
    if (event.target.closest("[data-choose-none]")) none();
    if (event.target.closest("[data-choose-all]")) everybody(event.target.closest("[data-choose-all]"));
    if (event.target.closest("[data-show-moved]")) keepwell.refresh("#customers");
  });

  async function everybody(button) {
    button.disabled = true;
    try {
      const found = await keepwell.call(`GET ${document.getElementById("bulk").dataset.all}`);
      for (const one of found.items ?? []) {
        const run = one.intervention;
        chosen.set(one.id, { id: one.id, name: one.name, owner: one.owner, run: run?.id ?? null, playbook: run?.playbook ?? "", paused: run?.paused ?? false });
      }
      show();
    } catch (problem) {
      keepwell.say(problem);
    } finally {
      button.disabled = false;
    }
  }

  // Another list: what was chosen of the one before is not meant any more.
  document.addEventListener("htmx:load", (event) => { if (event.detail.elt.id === "customers") settle(); });
  let asked = document.getElementById("customers")?.dataset.query;
  function settle() {
    const now = document.getElementById("customers")?.dataset.query;
    if (now !== asked) chosen.clear();
    asked = now;
    moved = false;
    last = null;
    show();
  }

  // What changes is shown in its row. Where rows come, go or move, a button says so: nothing jumps by itself.
  const KINDS = ["score", "churn", "intervention", "command", "customer", "import"];
  let due = false, timer = null, moved = false;

  document.addEventListener("keepwell:live", (event) => {
    if (!event.detail.changed.some((kind) => KINDS.includes(kind))) return;
    due = true;
    renew();
  });
  document.addEventListener("visibilitychange", () => { if (due) renew(); });

  function renew() {
    if (!due || timer !== null) return;
    timer = setTimeout(async () => {
      timer = null;
      if (chosen.size || document.hidden || document.querySelector("dialog[open], details.choose[open]")) return;
      due = false;
      try { await look(); } catch { due = true; }
    }, 1500);
  }
  document.addEventListener("close", () => { if (due) renew(); }, true);
  document.addEventListener("toggle", () => { if (due) renew(); }, true);

  async function look() {
    const html = await keepwell.read();
    if (html === null) return;
    const found = new DOMParser().parseFromString(html, "text/html");
    if (chosen.size) { due = true; return; }
    const rows = (where) => [...where.querySelectorAll("#customers tr[data-row]")];
    const [old, young] = [rows(document), rows(found)];
    moved = old.map((row) => row.dataset.row).join() !== young.map((row) => row.dataset.row).join();
    document.getElementById("moved").hidden = !moved;
    const fresh = new Map(young.map((row) => [row.dataset.row, row]));
    for (const row of old) {
      const now = fresh.get(row.dataset.row);
      if (!now || row.contains(document.activeElement) || now.innerHTML === row.innerHTML) continue;
      row.replaceChildren(...[...now.childNodes].map((one) => document.importNode(one, true)));
      row.classList.add("renewed");
      setTimeout(() => row.classList.remove("renewed"), 2500);
    }
  }

  document.addEventListener("DOMContentLoaded", show);
  window.addEventListener("pageshow", show);
})();
