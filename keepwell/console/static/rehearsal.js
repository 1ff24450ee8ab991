// The form of a rehearsal: reactions are put on the timeline, the API plays it, and the page shows how far it is.
//
// A reaction is a line as the command line takes it: "reply 30h", "score 5d=65", "pause 2d..4d".
"use strict";

(function () {
  const form = document.getElementById("rehearse");
  const dialog = document.getElementById("reaction");
  if (!form || !dialog) return;
  const $ = (id) => document.getElementById(id);
  const moments = JSON.parse(form.dataset.moments);
  const path = form.dataset.path;
  const AFTER = 14 * 86400;
  const NICE = [300, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400];
  let lines = JSON.parse(form.dataset.typed).map(read).filter(Boolean);
  let edited = null, leaving = false;

  // Times

  function seconds(text) {
    const units = { m: 60, min: 60, h: 3600, d: 86400, w: 7 * 86400 };
    if (!/^\s*(\d{1,5}\s*(min|m|h|d|w)\s*)+$/i.test(text)) return null;
    return [...text.matchAll(/(\d{1,5})\s*(min|m|h|d|w)/gi)]
      .reduce((sum, part) => sum + Number(part[1]) * units[part[2].toLowerCase()], 0);
  }

  function parts(span, names) {
    const minutes = Math.round(span / 60);
    const all = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60), minutes % 60];
    return all.map((number, at) => (number ? `${number}${names[at]}` : "")).filter(Boolean);
  }

  const typed = (span) => parts(span, ["d", "h", "m"]).join("") || "0m";
  const words = (span) => parts(span, [" d", " h", " min"]).join(" ") || "at once";

  // Lines

  function read(line) {
    const found = /^(\w+) ([\dwdhmin ]+?)(?:(=|\.\.)(.*))?$/i.exec(line.trim());
    const at = found && seconds(found[2]);
    return found && at !== null ? { kind: found[1], at, what: found[4] ?? "" } : { kind: "", raw: line, at: 0, what: "" };
  }

  function write(one) {
    if (one.raw) return one.raw;
    const middle = one.kind === "pause" ? ".." : one.what ? "=" : "";
    return `${one.kind} ${typed(one.at)}${middle}${one.what}`;
  }

  function said(one) {
    if (one.raw) return one.raw;
    const option = [...$("kind").options].find((each) => each.value === one.kind);
    const name = option ? option.textContent.trim() : one.kind;
    const fields = option?.dataset.fields ?? "";
    if (one.kind === "pause") return `${name} ${one.what ? `until ${words(seconds(one.what) ?? 0)}` : "until somebody resumes it"}`;
    const shown = ["step", "to", "option"].includes(fields.split(" ")[0])
      ? one.what.split(":").map((part, at) => (at === 0 && chosen($(fields.split(" ")[0]), part)) || part).join(", ")
      : one.what;
    return shown ? `${name}: ${shown}` : name;
  }

  const chosen = (select, value) => [...select.options].find((each) => each.value === value)?.textContent;

  // The timeline

  function gapOf(at) {
    let gap = 0;
    while (gap < moments.length - 1 && at >= moments[gap + 1]) gap += 1;
    return gap;
  }

  function ends(gap) {
    return [moments[gap], gap + 1 < moments.length ? moments[gap + 1] : moments[gap] + AFTER];
  }

  function unit(gap) {
    const [from, to] = ends(gap);
    return NICE.find((one) => one >= (to - from) / 24) ?? 86400;
  }

  function timeAt(gap, share) {
    const [from, to] = ends(gap);
    const step = unit(gap);
    const at = from + Math.round(((to - from) * share) / step) * step;
    return Math.min(Math.max(at, from + Math.min(step, (to - from) / 2)), Math.max(from, to - Math.min(step, (to - from) / 2)));
  }

  function draw() {
    lines.sort((one, other) => one.at - other.at);
    for (const mark of document.querySelectorAll("#ruler .mark")) mark.remove();
    const list = $("reactions");
    list.textContent = "";
    lines.forEach((one, number) => {
      const text = `${words(one.at)}: ${said(one)}`;
      const gap = gapOf(one.at);
      const [from, to] = ends(gap);
      const mark = document.createElement("button");
      mark.type = "button";
      mark.className = `mark ${one.kind}`;
      mark.dataset.number = number;
      mark.setAttribute("aria-label", `${text}. Change`);
      mark.title = text;
      // Set by script: the page's policy takes no style from the document.
      mark.style.setProperty("--at", String(Math.min(1, (one.at - from) / (to - from))));
      document.querySelector(`#ruler [data-gap="${gap}"]`).closest("li").append(mark);
      const row = document.createElement("li");
      const what = document.createElement("span");
      what.textContent = text;
      const change = button("Change", `Change: ${text}`, () => open(one));
      const away = button("Remove", `Remove: ${text}`, () => { lines.splice(lines.indexOf(one), 1); draw(); $("run").focus(); });
      row.append(what, change, away);
      list.append(row);
    });
    $("none").hidden = lines.length > 0;
    const address = `${path}?${new URLSearchParams(asked())}`;
    $("share").href = address;
    if (!("asked" in form.dataset)) history.replaceState(null, "", address);
  }

  function button(text, label, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "plain small";
    made.textContent = text;
    made.setAttribute("aria-label", label);
    made.addEventListener("click", act);
    return made;
  }

  $("ruler").addEventListener("click", (event) => {
    const mark = event.target.closest(".mark");
    if (mark) { open(lines[Number(mark.dataset.number)]); return; }
    const place = event.target.closest("[data-gap]");
    if (!place) return;
    const box = place.getBoundingClientRect();
    const down = box.height > box.width;
    // A click made by the keyboard has no place of its own.
    const share = event.detail === 0 ? 0.5
      : down ? (event.clientY - box.top) / box.height : (event.clientX - box.left) / box.width;
    open({ kind: $("kind").options[0].value, at: timeAt(Number(place.dataset.gap), share), what: "" }, true);
  });

  $("ruler").addEventListener("keydown", (event) => {
    const mark = event.target.closest(".mark");
    const way = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (mark && event.key === "Delete") lines.splice(Number(mark.dataset.number), 1);
    else if (mark && way) {
      const one = lines[Number(mark.dataset.number)];
      one.at = Math.max(0, one.at + way * unit(gapOf(one.at)));
      draw();
      document.querySelector(`#ruler .mark[data-number="${lines.indexOf(one)}"]`).focus();
    } else return;
    event.preventDefault();
    if (event.key === "Delete") { draw(); $("run").focus(); }
  });

  // The dialog

  function fields() {
    return ($("kind").selectedOptions[0]?.dataset.fields ?? "").split(" ").filter(Boolean);
  }

  function showFields() {
    for (const one of dialog.querySelectorAll("[data-for]")) one.hidden = !fields().includes(one.dataset.for);
  }

  function open(one, fresh = false) {
    edited = fresh ? null : one;
    if (chosen($("kind"), one.kind)) $("kind").value = one.kind;
    $("at").value = typed(one.at);
    const [first, rest] = one.kind === "accept" ? one.what.split(":") : [one.what, ""];
    for (const name of fields()) $(name).value = name === "terms" ? rest ?? "" : first || $(name).options?.[0]?.value || "";
    $("remove").hidden = fresh;
    $("reaction-wrong").hidden = true;
    showFields();
    keepwell.open(dialog, null);
  }

  $("kind").addEventListener("change", showFields);
  $("leave").addEventListener("click", () => dialog.close());
  $("remove").addEventListener("click", () => { lines = lines.filter((one) => one !== edited); dialog.close(); draw(); $("run").focus(); });

  dialog.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    const at = seconds($("at").value);
    const [first, second] = fields();
    const terms = second ? $(second).value.trim() : "";
    const what = first ? $(first).value.trim() + (terms ? `:${terms}` : "") : "";
    const wrong = at === null ? "When is a time such as 30h, 2d or 1d12h."
      : first === "points" && !(what !== "" && Number(what) >= 0 && Number(what) <= 100) ? "A score is a number from 0 to 100."
      : first === "until" && what && (seconds(what) ?? 0) <= at ? "The pause must end after it begins: 4d, or empty." : "";
    $("reaction-wrong").textContent = wrong;
    $("reaction-wrong").hidden = !wrong;
    if (wrong) return;
    lines = lines.filter((one) => one !== edited);
    lines.push({ kind: $("kind").value, at, what });
    dialog.close();
    draw();
    $("run").focus();
  });

  // What is asked

  function customer() {
    const field = $("customer");
    if (field.dataset.name === field.value) return field.dataset.id;
    const option = [...$("customers").options].find((one) => one.value === field.value);
    return option?.dataset.id ?? field.value.trim();
  }

  function start() {
    return $("start").value ? keepwell.instant($("start").value) : "";
  }

  function asked() {
    const said = [["playbook", $("playbook").value], ["customer", customer()], ["compare", $("compare").value],
      ["start", start()], ["from_score", $("from_score").value.trim()], ["acknowledge", $("acknowledge").value.trim()]];
    return [...said.filter(([, value]) => value), ...lines.map((one) => ["typed", write(one)])];
  }

  function body() {
    const acknowledge = $("acknowledge").value.trim();
    const points = $("from_score").value.trim();
    return {
      customer: customer(), playbook: $("playbook").value, typed: lines.map(write),
      acknowledge: acknowledge.toLowerCase() === "never" ? null : acknowledge || undefined,
      compare: $("compare").value || undefined, start: start() || undefined,
      from_score: points === "" ? undefined : Number(points),
    };
  }

  function wrong(problem) {
    const first = problem.errors?.[0];
    const place = (first?.place ?? "").replace(/^body\./, "");
    const line = /^typed[[.](\d+)/.exec(place);
    const what = line ? `${said(lines[Number(line[1])] ?? { raw: "A reaction" })}: ` : "";
    const text = first ? first.message : problem.title ?? "Something failed here.";
    $("wrong").textContent = `${what}${text[0].toUpperCase()}${text.slice(1)} ${problem.detail && !(first && problem.detail.includes(first.message)) ? problem.detail : ""}`;
    $("wrong").hidden = false;
    const field = line ? null : $(place.split(/[.[]/)[0]) ?? (problem.status === 404 ? $("customer") : null);
    if (field && form.contains(field)) { field.setAttribute("aria-invalid", "true"); field.focus(); }
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    $("wrong").hidden = true;
    for (const one of form.querySelectorAll("[aria-invalid]")) one.removeAttribute("aria-invalid");
    $("run").disabled = true;
    try {
      const begun = await keepwell.call("POST /api/v1/rehearsals", body());
      if (begun.id) sessionStorage.setItem("rehearsing", begun.id);
      if (begun.id) location.assign(`${path}/${begun.id}`);
    } catch (problem) {
      wrong(problem);
    } finally {
      $("run").disabled = false;
    }
  });

  // Another playbook has another timeline.
  $("playbook").addEventListener("change", () => location.assign(`${path}?${new URLSearchParams(asked())}`));
  form.addEventListener("change", draw);

  // How far it is

  // The result stands below the form: on a phone nothing else would say that it is there.
  function toResult() {
    sessionStorage.removeItem("rehearsing");
    const heading = $("result").querySelector("h2");
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
    heading.scrollIntoView({ block: "start" });
  }

  async function watch() {
    const shown = $("result");
    // It was over before the page had come.
    if (shown.dataset.state === "done" && sessionStorage.getItem("rehearsing") === shown.dataset.id) toResult();
    if (!["waiting", "running"].includes(shown.dataset.state)) return;
    try {
      const told = await keepwell.call(`GET /api/v1/rehearsals/${shown.dataset.id}`);
      if (leaving) {
        // Nothing is loaded anew under who breaks it off.
      } else if (told.state !== shown.dataset.state) {
        await keepwell.refresh("#result");
        if ($("result").dataset.state === shown.dataset.state) throw { title: "The page could not be loaded again." };
        const said = { running: "It is played now.", done: "The rehearsal is over. The result is below.", failed: "The rehearsal failed." };
        if ($("said")) $("said").textContent = said[told.state] ?? "";
        if (told.state === "done") toResult();
      } else if (told.state === "waiting") {
        shown.querySelector("[data-place]").textContent = told.place;
      } else if (told.progress) {
        shown.querySelector("progress").value = told.progress.share;
        const doing = told.progress.at ? `It is ${new Date(told.progress.at).toLocaleString([], { weekday: "short", hour: "2-digit", minute: "2-digit", day: "numeric", month: "short" })}. ` : "";
        shown.querySelector("[data-doing]").textContent = doing + told.progress.doing;
      }
    } catch (problem) {
      // Who has broken it off is on the way to the form.
      if (problem.status === 404) { if (!leaving) location.reload(); return; }
      keepwell.say(problem);
      return;
    }
    setTimeout(watch, 700);
  }

  document.addEventListener("click", (event) => { if (event.target.closest("#break-off")) leaving = true; });
  document.addEventListener("keepwell:wrong", () => { leaving = false; });
  document.addEventListener("keepwell:done", (event) => {
    if (event.detail.from.id === "break-off") location.assign($("share").href);
  });

  const begins = $("start").dataset.start;
  if (begins && !Number.isNaN(Date.parse(begins))) {
    $("start").value = keepwell.wallClock(begins);
  }
  draw();
  watch();
})();
