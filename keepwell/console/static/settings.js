// The settings: results told where they were asked for, secrets shown once, days as one word, and what to do
// when somebody else has saved meanwhile.
"use strict";

(function () {
  // Business days: seven boxes make the word that the API takes.
  function joinDays() {
    const word = document.querySelector("[data-days]");
    if (!word) return;
    const chosen = [...document.querySelectorAll("[data-day]:checked")].map((one) => one.dataset.day).join("");
    if (word.value === chosen) return;
    word.value = chosen;
  }
  // First of all listeners: the preview asks with the new word.
  for (const kind of ["change", "input"]) {
    document.addEventListener(kind, (event) => { if (event.target.matches?.("[data-day]")) joinDays(); }, true);
  }
  document.addEventListener("reset", () => setTimeout(joinDays));

  // On a phone the groups are a row: the one that is open is in sight.
  document.querySelector(".side-tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

  // A day is in the address of its call.
  document.addEventListener("submit", (event) => {
    const form = event.target.closest?.("[data-day-form]");
    if (form) form.dataset.act = form.dataset.actFor.replace("{day}", encodeURIComponent(form.querySelector("[data-into=day]").value));
  }, true);

  // What came of a test stands beside its button.
  document.addEventListener("keepwell:done", (event) => {
    const { answer, text } = event.detail;
    const teller = event.target.closest("[data-tells]");
    if (teller) {
      event.preventDefault();
      tell(document.getElementById(teller.dataset.tells), answer, text);
      return;
    }
    const secret = answer.key ?? answer.secret;
    if (secret) {
      event.preventDefault();
      show(secret, answer.text ?? "", event.target.dataset.refresh || "#part");
    }
  });

  function tell(place, answer, text) {
    const good = answer.sent ?? (answer.delivery ? answer.delivery.state === "delivered" : true);
    const failed = answer.results?.some((one) => one.state === "failed") ?? !good;
    place.className = `told-here ${good ? "good" : failed ? "bad" : ""}`;
    const words = document.createElement("p");
    words.textContent = text;
    place.replaceChildren(words);
    if (answer.hash && text.includes("is kept")) place.append(useIt(answer));
  }

  function useIt(answer) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "small second";
    button.textContent = `Use ${answer.title}`;
    button.dataset.act = `POST /api/v1/scorecards/${answer.hash}/use`;
    button.dataset.sure = "Score with it from now on? A customer's first score by it is a baseline and starts no playbook.";
    button.addEventListener("keepwell:done", (event) => {
      event.stopPropagation();
      location.reload();
    });
    return button;
  }

  // A key or a secret is shown once; the list behind it is loaded again when it is put away.
  function show(secret, text, part) {
    const dialog = document.getElementById("secret");
    const field = document.getElementById("secret-text");
    field.value = secret;
    dialog.querySelector("[data-copied]").textContent = "";
    if (text) dialog.querySelector("[data-about-secret]").textContent = text;
    dialog.addEventListener("close", () => { field.value = ""; keepwell.refresh(part); }, { once: true });
    keepwell.open(dialog, null);
    field.select();
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const field = document.getElementById(button.dataset.copy);
    field.select();
    let copied = true;
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      copied = document.execCommand("copy");
    }
    button.closest("dialog").querySelector("[data-copied]").textContent = copied ? "Copied." : "Copy it by hand: it is marked.";
  });

  // Somebody else has saved meanwhile: what they did is shown beside what was typed, and nothing is lost.
  document.addEventListener("keepwell:wrong", async (event) => {
    const form = event.target;
    if (event.detail.status !== 412 || !form.dataset?.reads) return;
    event.preventDefault();
    const answer = await fetch(form.dataset.reads, { headers: { Accept: "application/json" }, credentials: "same-origin", cache: "no-store" });
    const theirs = await answer.json();
    for (const field of form.elements) {
      if (!field.name || !(field.name in theirs)) continue;
      const value = theirs[field.name] ?? "";
      const was = keepwell.initial(field);
      if (String(was) === String(value)) continue;
      if (keepwell.unchanged(field)) take(field, value);
      else keepwell.note(field, `Meanwhile somebody has changed this to “${value}”. Save again to have yours.`, true);
    }
    form.dataset.match = answer.headers.get("ETag") ?? "";
    const place = form.querySelector("[data-wrong]");
    place.textContent = "Somebody else has saved while you were here. What you typed is kept; what they changed elsewhere is taken over. Look at it, then save again.";
    place.hidden = false;
  });

  function take(field, value) {
    if (field.type === "checkbox") field.checked = field.defaultChecked = Boolean(value);
    else if (field.tagName === "SELECT") for (const one of field.options) one.selected = one.defaultSelected = one.value === String(value);
    else field.value = field.defaultValue = String(value);
    if ("days" in field.dataset) {
      for (const one of document.querySelectorAll("[data-day]")) one.checked = one.defaultChecked = field.value.includes(one.dataset.day);
    }
  }
})();
