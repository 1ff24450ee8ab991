// The bar: where one is, and the search. What fits stands below its field while one types; arrows choose,
// Enter opens.
"use strict";

(function () {
  document.querySelector(".nav [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
  const field = document.querySelector("[data-search]");
  const list = document.getElementById("found");
  if (!field || !list) return;
  const links = () => [...list.querySelectorAll("a")];
  const close = () => { list.replaceChildren(); };

  document.querySelector("form.search").addEventListener("keydown", (event) => {
    const all = links();
    const at = all.indexOf(document.activeElement);
    if (event.key === "Escape") {
      close();
      if (at >= 0) field.focus();
      else field.blur();
    } else if (event.key === "ArrowDown" && all.length) {
      event.preventDefault();
      all[Math.min(at + 1, all.length - 1)].focus();
    } else if (event.key === "ArrowUp" && at >= 0) {
      event.preventDefault();
      (at === 0 ? field : all[at - 1]).focus();
    }
  });
  document.addEventListener("focusin", (event) => {
    if (!event.target.closest("form.search")) close();
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("form.search")) close();
  });
})();
