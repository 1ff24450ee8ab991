// Lists that are narrowed by a form, and whose rows can be chosen to do one thing to many.
"use strict";

(function () {
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-at-once]");
    if (form) form.requestSubmit();
  });
  // Only what was chosen stands in the address.
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-tidy]")) return;
    for (const one of event.target.elements) if (one.name && one.value === "") one.disabled = true;
  });
  // Back in the browser's memory the fields are as they were.
  window.addEventListener("pageshow", () => {
    for (const one of document.querySelectorAll("form[data-tidy] :disabled")) one.disabled = false;
    show();
  });

  const ticks = () => [...document.querySelectorAll("[data-tick]")];
  let last = null;

  function show() {
    const all = ticks();
    const chosen = all.filter((one) => one.checked);
    const bar = document.querySelector("[data-many]");
    if (!bar) return;
    bar.hidden = chosen.length === 0;
    bar.querySelector("[data-ticked]").textContent = `${chosen.length} chosen`;
    const every = document.querySelector("[data-tick-all]");
    if (every) {
      every.checked = chosen.length === all.length;
      every.indeterminate = chosen.length > 0 && chosen.length < all.length;
    }
    // Nothing moves while rows are chosen.
    const part = document.querySelector("[data-holds]");
    if (part && chosen.length) part.removeAttribute("data-live");
    else if (part && !part.dataset.live) part.dataset.live = "alert";
  }

  document.addEventListener("click", (event) => {
    const box = event.target.closest("[data-tick]");
    if (box) {
      const all = ticks();
      const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((one, two) => one - two);
      if (event.shiftKey && from >= 0) all.slice(from, to + 1).forEach((one) => { one.checked = box.checked; });
      last = box;
    }
    const every = event.target.closest("[data-tick-all]");
    if (every) ticks().forEach((one) => { one.checked = every.checked; });
    if (event.target.closest("[data-untick]")) ticks().forEach((one) => { one.checked = false; });
    if (box || every || event.target.closest("[data-untick]")) show();
    const button = event.target.closest("[data-many-act]");
    if (button) many(button);
  });

  async function many(button) {
    const chosen = ticks().filter((one) => one.checked);
    const names = new Map(chosen.map((one) => [one.dataset.tick, one.dataset.name]));
    button.disabled = true;
    try {
      const answer = await keepwell.call(button.dataset.manyAct, { ids: [...names.keys()] });
      const failed = answer.results.filter((one) => one.state !== "done" && one.state !== "kept");
      const said = `${answer.done} of ${chosen.length} are in hand.`;
      const why = failed.map((one) => `${names.get(one.id)}: ${one.text}`).join(" · ");
      keepwell.toast(said, { wrong: failed.length > 0, detail: why });
      await keepwell.refresh(button.dataset.refresh);
    } catch (problem) {
      keepwell.say(problem);
    } finally {
      button.disabled = false;
      show();
    }
  }

  document.addEventListener("htmx:load", show);
})();
