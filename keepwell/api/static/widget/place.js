const tag = document.currentScript;

if (!customElements.get("keepwell-feed")) customElements.define("keepwell-feed", KeepwellFeed);

function place() {
  const feed = document.createElement("keepwell-feed");
  for (const [name, value] of Object.entries(tag.dataset)) feed.dataset[name] = value;
  feed.dataset.base ||= new URL(".", tag.src).href.replace(/\/$/, "");
  delete tag.dataset.token;
  const target = tag.dataset.target && document.querySelector(tag.dataset.target);
  if (target) target.append(feed);
  else if (tag.closest("body")) tag.after(feed);
  else document.body.append(feed);
}

/* Without a token on its tag the script only brings the element, for pages that make it themselves. */
if (tag && (tag.dataset.token || tag.dataset.tokenUrl)) {
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", place);
  else place();
}
