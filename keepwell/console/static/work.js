// The pages on which a day's work is done: rows that say what became of them, the side panel, the search.
"use strict";

(function () {
  const unfolded = (one) => !one.closest("details:not([open])");
  const rowsLeft = () => [...document.querySelectorAll("[data-need]:not(.done)")].filter(unfolded);

  // A row stays where it is and says what happened; nothing moves under the cursor.
  document.addEventListener("keepwell:done", (event) => {
    const row = event.target.closest("[data-need]");
    if (!row || event.target.closest("[data-stays]")) return;
    event.preventDefault();
    const { text, undo } = event.detail;
    const all = [...document.querySelectorAll("[data-need]")];
    const after = all.slice(all.indexOf(row) + 1).find((one) => !one.classList.contains("done") && unfolded(one));
    row.classList.add("done");
    row.querySelector(".acts").hidden = true;
    row.querySelector(".did").hidden = false;
    row.querySelector("[data-did]").textContent = text;
    const back = row.querySelector("[data-undo-row]");
    back.hidden = !undo;
    back.onclick = undo ? () => { back.hidden = true; undo(); } : null;
    document.getElementById("panel")?.close();
    const next = after ?? rowsLeft()[0] ?? row;
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
    announce(text);
    recount();
  });

  document.addEventListener("keepwell:undone", (event) => {
    const row = event.target.closest("[data-need]");
    if (!row) return;
    event.preventDefault();
    row.classList.remove("done");
    row.querySelector(".acts").hidden = false;
    row.querySelector(".did").hidden = true;
    row.focus({ preventScroll: true });
    announce("Undone.");
    recount();
  });

  // The numbers on top follow; the rows stay as they are.
  let counting = null;
  function recount() {
    clearTimeout(counting);
    counting = setTimeout(async () => {
      const html = await keepwell.read();
      if (html === null) return;
      const page = new DOMParser().parseFromString(html, "text/html");
      for (const id of ["chips", "sum"]) {
        const fresh = page.getElementById(id);
        if (fresh) document.getElementById(id)?.replaceWith(fresh);
      }
    }, 400);
  }

  function announce(text) {
    const place = document.getElementById("said");
    if (place) place.textContent = text;
  }

  // The side panel: a part of a page that comes from the server when it is asked for.
  document.addEventListener("click", async (event) => {
    const opener = event.target.closest("[data-panel]");
    if (opener) {
      const panel = document.getElementById("panel");
      document.getElementById("panel-body").textContent = "Loading …";
      keepwell.open(panel, opener);
      await htmx.ajax("GET", opener.dataset.panel, { target: "#panel-body", swap: "innerHTML" });
      panel.querySelector("[autofocus], h2")?.focus?.();
    }
    // A click beside a dialog closes it, where nothing that was typed would be lost.
    if (event.target.matches("dialog.side")) event.target.close();
    for (const one of document.querySelectorAll("details.more-acts[open]")) {
      if (!one.contains(event.target) || event.target.closest(".menu button")) one.open = false;
    }
  });

  // What would begin, before it does: asked when the dialog opens.
  document.addEventListener("click", async (event) => {
    if (!event.target.closest("[data-open=enrol]")) return;
    const dialog = document.getElementById("enrol");
    const [words, go] = [dialog.querySelector("[data-would]"), dialog.querySelector("[data-go]")];
    go.disabled = true;
    words.textContent = "Asking what would begin …";
    try {
      const would = await keepwell.call(dialog.querySelector("form").dataset.act, { dry_run: true });
      go.disabled = would.state !== "would_start";
      words.textContent = go.disabled
        ? `It cannot begin now: ${would.reason || would.refusal}`
        : `${would.playbook} would begin at once, with its first messages and tasks.`;
    } catch (problem) {
      words.textContent = `${problem.title} ${problem.detail ?? ""}`;
    }
  });

  // Whoever reads further back is not taken to the top again.
  document.addEventListener("click", (event) => {
    if (event.target.closest("#more-lines")) document.getElementById("timeline")?.removeAttribute("data-live");
  });

  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.target?.id !== "panel-body") return;
    event.detail.target.textContent = "It cannot be shown now. Close this, and try again in a moment.";
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const one of document.querySelectorAll("details.more-acts[open]")) {
      one.open = false;
      one.querySelector("summary").focus();
    }
  });
})();
