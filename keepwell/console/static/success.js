// The customer's own page: whoever follows an insight's link has acted on it.
"use strict";

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-acts-on]");
  if (!link) return;
  // It goes on its way while the browser leaves the page.
  fetch("/api/client/success", {
    method: "PATCH",
    keepalive: true,
    credentials: "same-origin",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": document.querySelector("meta[name=csrf]").content },
    body: JSON.stringify({ action: "act", insightId: link.dataset.actsOn }),
  }).catch(() => {});
});
