// Beginning the playbook of a level for many: says for whom it would begin, and for whom not and why, before it does.
"use strict";

(function () {
  const dialog = document.getElementById("enrol-level");
  if (!dialog) return;
  const form = dialog.querySelector("form");
  const [words, go] = [dialog.querySelector("[data-would]"), dialog.querySelector("[data-go]")];
  const SHORT = 5; // as many names are shown unasked
  let asking = 0, timer = null;

  function list(part, all, summary, under) {
    part.hidden = !all.length;
    part.open = all.length > 0 && all.length <= SHORT;
    part.querySelector("summary").textContent = summary;
    part.querySelector("ul").replaceChildren(...all.map((one) => {
      const item = document.createElement("li");
      const name = document.createElement("strong");
      name.textContent = one.name;
      item.append(name, ` ${under(one)}`);
      return item;
    }));
  }

  function clear(text) {
    words.textContent = text;
    for (const part of ["[data-would-be]", "[data-would-not]"]) dialog.querySelector(part).hidden = true;
  }

  async function ask() {
    const mine = ++asking;
    go.disabled = true;
    if (!form.limit.checkValidity()) return clear("Choose a number from 1 to 1,000.");
    clear("Asking whom it would be …");
    try {
      const body = { level: form.level.value, limit: Number(form.limit.value), dry_run: true };
      const would = await keepwell.call("POST /api/v1/enrolments", body);
      if (mine !== asking) return;
      words.textContent = would.number ? `${would.text} Its first messages and tasks come at once. This cannot be undone.` : would.text;
      list(dialog.querySelector("[data-would-be]"), would.customers, `It would begin for ${would.number}`, (one) => `score ${Math.floor(one.score)}`);
      const more = would.refused > would.refusals.length ? `, the first ${would.refusals.length} of them` : "";
      list(dialog.querySelector("[data-would-not]"), would.refusals, `Not for ${would.refused}${more}`, (one) => one.refusal);
      go.disabled = !would.number;
    } catch (problem) {
      if (mine === asking) clear(`${problem.title} ${problem.detail ?? ""}`);
    }
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-open=enrol-level]")) ask();
  });
  form.addEventListener("input", () => {
    go.disabled = true;
    clearTimeout(timer);
    timer = setTimeout(ask, 300);
  });
})();
