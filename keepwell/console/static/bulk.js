// Doing something to the chosen customers: first exactly what and to how many, then what became of each.
"use strict";

(function () {
  const AT_ONCE = 4; // requests at the same time, where the API takes one customer at a time
  const many = (number, one, several = `${one}s`) => `${number.toLocaleString("en")} ${number === 1 ? one : several}`;
  const plain = (playbook) => playbook.split("@")[0].replaceAll("_", " ");

  // fits: whom it is for; why: why the others are left out; words: what happens to those whom it is for.
  const KINDS = {
    acknowledge: {
      title: (n) => `Acknowledge ${many(n, "intervention")}`, fits: (one) => one.run, why: "no playbook runs for them",
      words: () => "They count as in hand: nobody is told that nobody cares.", go: "Acknowledge", done: "acknowledged",
    },
    pause: {
      title: (n) => `Pause ${many(n, "intervention")}`, fits: (one) => one.run && !one.paused, why: "no playbook runs for them, or it is paused already",
      words: () => "Nothing is sent and nothing falls due until they go on.", go: "Pause", done: "paused", undo: "resume",
    },
    resume: {
      title: (n) => `Resume ${many(n, "intervention")}`, fits: (one) => one.run && one.paused, why: "nothing is paused for them",
      words: () => "They go on where they were paused.", go: "Resume", done: "resumed",
    },
    stop: {
      title: (n) => `Stop ${many(n, "intervention")}`, fits: (one) => one.run, why: "no playbook runs for them", danger: true,
      words: () => "They end now. What is planned is cancelled, and open tasks are withdrawn. This cannot be undone.", go: "Stop them", done: "stopped",
    },
    reassign: {
      title: (n) => `Give ${many(n, "customer")} to somebody else`, fits: () => true, each: true,
      words: () => "", go: "Give them", done: "given on",
    },
    enrol: {
      title: (n) => `Enrol ${many(n, "customer")}`, fits: (one) => !one.run, why: "a playbook runs for them already", each: true,
      words: () => "The playbook for their level begins at once, with its first messages and tasks.", go: "Begin", done: "begun",
    },
  };

  const dialog = () => document.getElementById("bulk-dialog");
  const part = (name) => dialog().querySelector(`[${name}]`);
  let kind = null, meant = [], left = 0, opening = 0;

  function line(text, under = "") {
    const item = document.createElement("li");
    const strong = document.createElement("strong");
    strong.textContent = text;
    item.append(strong);
    if (under) item.append(` ${under}`);
    return item;
  }

  function tally(all) {
    const counts = new Map();
    for (const one of all) counts.set(plain(one.playbook), (counts.get(plain(one.playbook)) ?? 0) + 1);
    return [...counts].map(([name, number]) => `${name} for ${many(number, "customer")}`).join(", ");
  }

  function prepare(name) {
    kind = name;
    const about = KINDS[kind];
    const all = [...window.chosen.values()];
    meant = all.filter(about.fits);
    const form = part("data-bulk-form");
    form.reset();
    form.hidden = false;
    part("data-bulk-result").hidden = true;
    part("data-wrong").hidden = true;
    for (const field of dialog().querySelectorAll("[data-for]")) {
      field.hidden = !field.dataset.for.split(" ").includes(kind);
      for (const one of field.querySelectorAll("input, select")) one.disabled = field.hidden;
    }
    const go = part("data-bulk-go");
    go.textContent = about.go;
    go.className = about.danger ? "danger" : "";
    opening += 1;
    left = all.length - meant.length;
    tell();
    keepwell.open(dialog(), null);
    if (kind === "enrol" && meant.length) wouldBegin(opening);
  }

  function tell() {
    const about = KINDS[kind];
    part("data-bulk-go").disabled = meant.length === 0;
    dialog().querySelector("#bulk-title").textContent = about.title(meant.length);
    const runs = meant.length && meant[0].run && !about.each ? `${tally(meant)}. ` : "";
    part("data-bulk-words").textContent = meant.length ? runs + about.words() : `It fits none of those you have chosen: ${about.why}.`;
    const which = part("data-bulk-which");
    which.hidden = meant.length === 0;
    which.open = meant.length <= 5;
    which.querySelector("ul").replaceChildren(...meant.map((one) => line(one.name, one.would ?? (one.run ? plain(one.playbook) : ""))));
    const note = part("data-bulk-left");
    note.hidden = !left || !(meant.length || kind === "enrol");
    note.textContent = left ? `${many(left, "more that you have chosen is", "more that you have chosen are")} left out: ${about.why}.` : "";
  }

  // One after another, a few at the same time; `step` hears how far it is.
  async function each(items, work, step = () => {}) {
    const found = new Array(items.length);
    let next = 0, over = 0;
    const worker = async () => {
      while (next < items.length) {
        const at = next++;
        found[at] = await work(items[at]).then((answer) => ({ answer }), (problem) => ({ problem }));
        step(++over);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return found;
  }

  const path = (one, what) => `POST /api/v1/customers/${encodeURIComponent(one.id)}/${what}`;
  const said = (problem) => problem.errors?.map((one) => one.message).join("; ") || [problem.title, problem.detail].filter(Boolean).join(" ") || String(problem);

  async function wouldBegin(mine) {
    const asked = meant, words = part("data-bulk-words"), go = part("data-bulk-go");
    go.disabled = true;
    part("data-bulk-which").hidden = true;
    const answers = await each(asked, (one) => keepwell.call(path(one, "enrol"), { dry_run: true }), (at) => {
      if (mine === opening) words.textContent = `Asking what would begin: ${at} of ${asked.length} …`;
    });
    if (mine !== opening || !dialog().open) return;
    const told = asked.map((one, at) => ({ ...one, ...judged(answers[at]) }));
    const [yes, no] = [told.filter((one) => one.begins), told.filter((one) => !one.begins)];
    meant = yes;
    tell();
    part("data-bulk-words").textContent = yes.length ? `${tally(yes)} would begin. ${KINDS.enrol.words()}` : "For none of them a playbook can begin now.";
    if (no.length) {
      const which = part("data-bulk-which");
      which.hidden = false;
      which.open = which.open || no.length <= 5;
      which.querySelector("ul").append(...no.map((one) => line(one.name, `not now: ${one.would}`)));
    }
  }

  function judged({ answer, problem }) {
    if (problem) return { begins: false, would: said(problem) };
    const begins = answer.state === "would_start";
    return { begins, would: begins ? plain(answer.playbook) : answer.reason || answer.text, playbook: answer.playbook || "" };
  }

  function fields() {
    const body = {};
    for (const one of part("data-bulk-form").elements) {
      if (one.name && !one.disabled && one.value !== "") body[one.name] = one.type === "datetime-local" ? keepwell.instant(one.value) : one.value;
    }
    return body;
  }

  // What became of each: {id, name, ok, text, undo}.
  async function carryOut(body) {
    if (!KINDS[kind].each) {
      const answer = await keepwell.call("POST /api/v1/interventions/bulk", { ids: meant.map((one) => one.run), command: { kind, ...body } });
      const names = new Map(meant.map((one) => [one.run, one.name]));
      return answer.results.map((one) => ({ run: one.id, name: names.get(one.id), ok: one.state === "done", kept: one.state === "kept", text: one.text }));
    }
    const what = kind === "enrol" ? [(one) => path(one, "enrol"), {}] : [(one) => path(one, "reassign"), body];
    const go = part("data-bulk-go");
    const answers = await each(meant, (one) => keepwell.call(what[0](one), what[1]), (at) => { go.textContent = `${at} of ${meant.length} …`; });
    return answers.map(({ answer, problem }, at) => {
      const one = meant[at];
      if (problem) return { name: one.name, ok: false, text: said(problem) };
      return { name: one.name, ok: answer.state !== "refused" && answer.state !== "waiting", kept: answer.state === "waiting", text: answer.text, undo: answer.undo };
    });
  }

  function report(all, words) {
    const [done, kept] = [all.filter((one) => one.ok), all.filter((one) => one.kept)];
    const failed = all.filter((one) => !one.ok && !one.kept);
    part("data-bulk-form").hidden = true;
    part("data-bulk-result").hidden = false;
    const title = part("data-result-title");
    title.textContent = failed.length ? `${done.length} of ${all.length} ${words}` : `${many(all.length - kept.length, "customer")}: ${words}`;
    const parts = [];
    if (kept.length) parts.push(`${many(kept.length, "is", "are")} kept: it happens as soon as a worker answers.`);
    if (failed.length) parts.push(`${many(failed.length, "was", "were")} not done:`);
    part("data-result-words").textContent = parts.join(" ") || "All was done.";
    dialog().querySelector(".results").replaceChildren(...failed.map((one) => line(one.name, one.text)));
    title.focus();
  }

  function offerUndo(all) {
    const button = part("data-bulk-undo");
    const runs = KINDS[kind].undo ? all.filter((one) => one.ok).map((one) => one.run) : [];
    const ways = all.filter((one) => one.undo);
    button.hidden = !runs.length && !ways.length;
    button.onclick = async () => {
      button.hidden = true;
      let back;
      if (runs.length) {
        const answer = await keepwell.call("POST /api/v1/interventions/bulk", { ids: runs, command: { kind: "resume" } });
        const names = new Map(all.map((one) => [one.run, one.name]));
        back = answer.results.map((one) => ({ name: names.get(one.id), ok: one.state === "done", kept: one.state === "kept", text: one.text }));
      } else {
        const answers = await each(ways, (one) => keepwell.call(`${one.undo.method} ${one.undo.path}`, one.undo.body ?? {}));
        back = answers.map(({ problem }, at) => ({ name: ways[at].name, ok: !problem, text: problem ? said(problem) : "" }));
      }
      report(back, "as they were before");
    };
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-bulk]");
    if (button) prepare(button.dataset.bulk);
  });

  document.addEventListener("submit", async (event) => {
    if (!event.target.matches("[data-bulk-form]")) return;
    event.preventDefault();
    const go = part("data-bulk-go");
    const label = go.textContent;
    go.disabled = true;
    try {
      const all = await carryOut(fields());
      offerUndo(all);
      report(all, KINDS[kind].done);
    } catch (problem) {
      keepwell.say(problem, dialog());
    } finally {
      go.disabled = false;
      go.textContent = label;
    }
  });

  // Behind the result is the list as it is now; nothing is chosen in it any more.
  document.addEventListener("close", (event) => {
    if (event.target.id !== "bulk-dialog") return;
    opening += 1;
    if (part("data-bulk-result").hidden) return;
    part("data-bulk-result").hidden = true;
    document.querySelector("[data-choose-none]")?.click();
    keepwell.refresh("#customers");
  }, true);
})();
