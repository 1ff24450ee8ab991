const STYLES = `
  :host { --ink: #1c2733; --soft: #55616d; --paper: #fff; --line: #d7dfdd; --accent: #0b6e5f; --on: #fff;
    --tint: #eef7f5; --badge: #b3261e; position: relative; display: inline-block;
    font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
  :host([hidden]), [hidden] { display: none !important; }
  * { box-sizing: border-box; }
  button { font: inherit; color: inherit; cursor: pointer; }
  .bell { position: relative; width: 44px; height: 44px; padding: 10px; border: 0; border-radius: 10px;
    background: transparent; color: inherit; }
  .bell:hover { background: color-mix(in srgb, currentColor 10%, transparent); }
  .bell svg { display: block; width: 24px; height: 24px; }
  .badge { position: absolute; top: 2px; right: 0; min-width: 20px; height: 20px; padding: 0 5px;
    border-radius: 10px; background: var(--badge); color: #fff; font-size: 12px; font-weight: 700;
    line-height: 20px; text-align: center; }
  :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
  .bell:focus-visible { outline-color: currentColor; }
  .panel { position: absolute; z-index: 2147483000; top: calc(100% + 6px); right: 0; width: 380px;
    max-height: min(70vh, 560px); display: flex; flex-direction: column; background: var(--paper);
    color: var(--ink); border: 1px solid var(--line); border-radius: 12px; text-align: start;
    box-shadow: 0 12px 32px rgb(0 0 0 / .22); overflow: hidden; }
  .panel.left { right: auto; left: 0; }
  .panel.up { top: auto; bottom: calc(100% + 6px); }
  header { display: flex; align-items: center; gap: 4px; padding: 8px 8px 8px 16px;
    border-bottom: 1px solid var(--line); }
  h2 { flex: 1; margin: 0; font-size: 17px; line-height: 1.3; }
  .plain { min-height: 36px; padding: 6px 10px; border: 0; border-radius: 8px; background: transparent;
    color: var(--accent); font-weight: 600; font-size: 14px; white-space: nowrap; }
  .plain:hover { background: var(--tint); }
  .icon { flex: none; width: 36px; height: 36px; padding: 0; border: 0; border-radius: 8px;
    background: transparent; color: var(--soft); font-size: 20px; line-height: 1; }
  li .icon { margin-top: -8px; }
  .icon:hover { background: var(--tint); color: var(--ink); }
  .body { overflow-y: auto; overscroll-behavior: contain; }
  ul { list-style: none; margin: 0; padding: 0; }
  li { position: relative; display: flex; gap: 4px; padding: 14px 8px 14px 28px;
    border-bottom: 1px solid var(--line); outline-offset: -3px !important; overflow-wrap: anywhere; }
  li > div { flex: 1; min-width: 0; }
  li.unread { background: var(--tint); cursor: pointer; }
  li.unread::before { content: ""; position: absolute; left: 11px; top: 21px; width: 9px; height: 9px;
    border-radius: 50%; background: var(--accent); }
  h3 { margin: 0 0 2px; font-size: 15px; line-height: 1.35; font-weight: 600; }
  p { margin: 0; white-space: pre-line; }
  time { display: block; margin-top: 4px; color: var(--soft); font-size: 13px; }
  a { display: inline-block; margin-top: 10px; padding: 7px 14px; border-radius: 8px;
    background: var(--accent); color: var(--on); font-weight: 600; text-decoration: none; }
  .say { padding: 28px 20px; text-align: center; color: var(--soft); }
  .foot { padding: 8px; text-align: center; }
  .quiet { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
    white-space: nowrap; }
  /* Dark where the page is (its color-scheme), not where the system alone is: the bell stands on the page. */
  @supports (color: light-dark(#fff, #000)) {
    :host { --ink: light-dark(#1c2733, #e8eef0); --soft: light-dark(#55616d, #a9b6bd);
      --paper: light-dark(#fff, #1b242b); --line: light-dark(#d7dfdd, #37434b);
      --accent: light-dark(#0b6e5f, #5fcbb7); --on: light-dark(#fff, #0c1b18);
      --tint: light-dark(#eef7f5, #22323a); --badge: light-dark(#b3261e, #d93f36); }
  }
  @media (max-width: 520px) {
    .panel, .panel.left, .panel.up { position: fixed; inset: auto 0 0 0; width: auto; max-height: 85vh;
      border-radius: 16px 16px 0 0; border-width: 1px 0 0; }
    .icon, .plain { min-height: 44px; }
    .plain { white-space: normal; text-align: end; }
    .foot .plain { text-align: center; }
    .icon { width: 44px; }
  }
  @media print { :host { display: none; } }`;
const BELL = "M12 22a2.5 2.5 0 0 0 2.4-2H9.6A2.5 2.5 0 0 0 12 22Zm7-6v-5a7 7 0 0 0-5.5-6.8V3.5a1.5 1.5 0 0 0-3 0v.7A7 7 0 0 0 5 11v5l-2 2v1h18v-1l-2-2Z";

function make(name, values, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(values || {})) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

function bellPicture() {
  const space = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  for (const [key, value] of [["viewBox", "0 0 24 24"], ["aria-hidden", "true"], ["fill", "currentColor"]]) {
    picture.setAttribute(key, value);
  }
  path.setAttribute("d", BELL);
  picture.append(path);
  return picture;
}

function webAddress(text) {
  try {
    const url = new URL(text);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : "";
  } catch {
    return "";
  }
}
