/* Keepwell's in-app feed: a bell with the number of unread notifications, and a panel that lists them.

   <script src="https://keepwell.example.com/widget.js" data-token="…" data-token-url="/keepwell-token" async></script>

   data-token       the contact's token, made by your backend for whoever is signed in
   data-token-url   asked with GET for a new token when the old one has ended: answers {"token": "…"};
                    instead of it the page may define window.keepwellToken = async () => "…"
   data-target      a CSS selector: where the bell goes (unset: where the script stands)
   data-lang        the language of times (unset: that of the page)
   data-text-…      other words than the English ones: see TEXTS

   Nothing is made from text as markup, nothing is evaluated, no style is inline: a strict CSP needs no exception
   but script-src and connect-src for Keepwell's address. */
(function () {
  "use strict";

  const TEXTS = {
    title: "Notifications",
    unread: "{count} unread",
    none: "Nothing new.",
    loading: "Loading …",
    failed: "The notifications cannot be loaded now.",
    ended: "Your session has ended. Please load the page again.",
    again: "Try again",
    older: "Show older",
    dismiss: "Dismiss",
    allRead: "Mark all as read",
    close: "Close",
    fresh: "New notification: {title}",
    isUnread: "Unread",
  };
  const STYLES = `
    :host { --ink: #1c2733; --soft: #55616d; --paper: #fff; --line: #d7dfdd; --accent: #0b6e5f; --on: #fff;
      --tint: #eef7f5; --badge: #b3261e; position: relative; display: inline-block; color: var(--ink);
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
    @media (prefers-color-scheme: dark) {
      :host { --ink: #e8eef0; --soft: #a9b6bd; --paper: #1b242b; --line: #37434b; --accent: #5fcbb7;
        --on: #0c1b18; --tint: #22323a; --badge: #d93f36; }
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
  const FIRST_REST = 1000, LONGEST_REST = 60000, POLL = 30000, ENDED = 4401;
  const tag = document.currentScript;

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

  /* Talks to Keepwell for one contact: fetches with the token, gets a new one, listens, polls. */
  class Line {
    constructor(base, options, heard) {
      this.base = base;
      this.token = options.token || "";
      this.tokenUrl = options.tokenUrl || "";
      this.heard = heard;
      this.rest = FIRST_REST;
      this.failures = 0;
      this.timers = new Set();
      this.wake = () => { if (!document.hidden) this.poll(); };
    }

    async fetch(path, options = {}) {
      if (!this.token) await this.renew();
      let answer = await this.ask(path, options);
      if (answer.status === 401) {
        await this.renew();
        answer = await this.ask(path, options);
      }
      if (!answer.ok && answer.status !== 304) throw new Error(`Keepwell answered ${answer.status}`);
      return answer;
    }

    ask(path, { method = "GET", body, headers = {} } = {}) {
      const all = { ...headers, Authorization: `Bearer ${this.token}` };
      if (body) all["Content-Type"] = "application/json";
      return fetch(`${this.base}/api/v1/feed${path}`, {
        method, headers: all, body: body && JSON.stringify(body), credentials: "omit", keepalive: method === "POST",
      });
    }

    renew() {
      this.renewing ||= this.newToken().finally(() => { this.renewing = null; });
      return this.renewing;
    }

    async newToken() {
      if (typeof window.keepwellToken === "function") {
        this.token = String(await window.keepwellToken());
      } else if (this.tokenUrl) {
        const answer = await fetch(this.tokenUrl, { headers: { Accept: "application/json" }, cache: "no-store" });
        if (!answer.ok) throw new Error(`The page's own backend answered ${answer.status}`);
        this.token = String((await answer.json()).token);
      } else {
        this.over = true;
        throw new Error("The token has ended, and the page names no way to a new one");
      }
    }

    later(work, after) {
      const timer = setTimeout(() => { this.timers.delete(timer); work(); }, after);
      this.timers.add(timer);
    }

    start() {
      this.stopped = false;
      document.addEventListener("visibilitychange", this.wake);
      this.poll();
      this.listen();
    }

    stop() {
      this.stopped = true;
      document.removeEventListener("visibilitychange", this.wake);
      this.timers.forEach(clearTimeout);
      this.timers.clear();
      if (this.socket) this.socket.close();
    }

    async listen() {
      if (this.stopped || this.over) return;
      if (!this.token) await this.renew().catch(() => {});
      if (this.stopped) return;
      let socket;
      try {
        socket = this.socket = new WebSocket(`${this.base.replace(/^http/, "ws")}/ws/feed`);
      } catch {
        this.later(() => this.listen(), LONGEST_REST);
        return;
      }
      socket.onopen = () => socket.send(JSON.stringify({ token: this.token }));
      socket.onmessage = (event) => {
        this.live = true;
        this.rest = FIRST_REST;
        this.heard(JSON.parse(event.data));
      };
      socket.onclose = async (event) => {
        this.live = false;
        if (this.stopped) return;
        if (event.code === ENDED) await this.renew().catch(() => this.heard({ failed: true }));
        /* A little chance, so that a thousand windows do not come back at the same moment. */
        this.later(() => this.listen(), this.rest * (0.75 + Math.random() / 2));
        this.rest = Math.min(this.rest * 2, LONGEST_REST);
      };
    }

    async poll() {
      if (this.stopped || this.over) return;
      if (!this.live && !document.hidden) {
        try {
          this.heard(await (await this.fetch("/count")).json());
          this.failures = 0;
        } catch {
          this.failures += 1;
          this.heard({ failed: true });
        }
      }
      clearTimeout(this.polling);
      this.timers.delete(this.polling);
      this.polling = setTimeout(() => this.poll(), Math.min(POLL * 2 ** this.failures, 10 * POLL));
      this.timers.add(this.polling);
    }
  }

  class KeepwellFeed extends HTMLElement {
    connectedCallback() {
      if (!this.root) this.build();
      this.line.start();
      document.addEventListener("pointerdown", this.outside);
    }

    disconnectedCallback() {
      this.line.stop();
      document.removeEventListener("pointerdown", this.outside);
    }

    build() {
      const options = this.dataset;
      this.text = (name, values = {}) => {
        const given = options["text" + name[0].toUpperCase() + name.slice(1)] || TEXTS[name];
        return given.replace(/\{(\w+)\}/g, (whole, key) => (key in values ? String(values[key]) : whole));
      };
      this.items = [];
      this.unread = 0;
      this.line = new Line(options.base || "", options, (said) => this.hear(said));
      delete options.token;
      this.outside = (event) => { if (!event.composedPath().includes(this)) this.close(); };
      this.root = this.attachShadow({ mode: "open" });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLES);
      this.root.adoptedStyleSheets = [sheet];
      this.badge = make("span", { class: "badge", "aria-hidden": "true", hidden: true });
      this.bell = make("button", {
        class: "bell", type: "button", "aria-haspopup": "dialog", "aria-expanded": "false",
        onclick: () => (this.panel.hidden ? this.open() : this.close()),
      }, bellPicture(), this.badge);
      this.list = make("ul", { "aria-label": this.text("title"), hidden: true });
      this.say = make("div", { class: "say" });
      this.older = make("button", { class: "plain", type: "button", onclick: () => this.load(true) }, this.text("older"));
      this.foot = make("div", { class: "foot", hidden: true }, this.older);
      this.all = make("button", { class: "plain", type: "button", onclick: () => this.readAll() }, this.text("allRead"));
      this.panel = make("div", { class: "panel", role: "dialog", "aria-label": this.text("title"), hidden: true },
        make("header", {}, make("h2", {}, this.text("title")), this.all,
          make("button", { class: "icon", type: "button", "aria-label": this.text("close"), onclick: () => this.close(true) }, "×")),
        make("div", { class: "body" }, this.say, this.list, this.foot));
      this.live = make("div", { class: "quiet", role: "status", "aria-live": "polite" });
      this.root.append(this.bell, this.panel, this.live);
      this.root.addEventListener("keydown", (event) => this.key(event));
      this.show();
    }

    hear(said) {
      if (said.failed) {
        if (this.line.over) this.message("ended");
        return;
      }
      const changed = said.unread !== this.unread;
      this.count(said.unread);
      const fresh = said.new || [];
      if (fresh.length) this.live.textContent = this.text("fresh", { title: fresh[fresh.length - 1].title });
      if ((fresh.length || changed) && !this.panel.hidden && !this.busy) this.load();
    }

    count(unread) {
      if (this.unread !== unread) {
        this.unread = unread;
        this.dispatchEvent(new CustomEvent("keepwell:count", { bubbles: true, composed: true, detail: { unread } }));
      }
      this.show();
    }

    show() {
      const label = this.text("title");
      this.badge.hidden = !this.unread;
      this.badge.textContent = this.unread > 99 ? "99+" : String(this.unread);
      this.bell.setAttribute("aria-label", this.unread ? `${label}, ${this.text("unread", { count: this.unread })}` : label);
      this.all.hidden = !this.items.some((item) => this.isUnread(item));
    }

    isUnread(item) { return item.state === "unseen" || item.state === "seen"; }

    open() {
      this.panel.hidden = false;
      this.bell.setAttribute("aria-expanded", "true");
      const place = this.bell.getBoundingClientRect();
      this.panel.classList.toggle("left", place.right < 396);
      this.panel.classList.toggle("up", place.bottom > innerHeight * 0.6);
      this.load().then(() => { if (!this.root.activeElement || this.root.activeElement === this.bell) this.focusItem(0); });
    }

    close(back) {
      if (this.panel.hidden) return;
      this.panel.hidden = true;
      this.bell.setAttribute("aria-expanded", "false");
      if (back) this.bell.focus();
    }

    async load(more) {
      if (this.busy) return;
      this.busy = true;
      if (!this.items.length) this.message("loading");
      try {
        const path = more && this.next ? `?before=${encodeURIComponent(this.next)}` : "";
        const page = await (await this.line.fetch(path)).json();
        const from = more ? this.items.length : 0;
        this.items = more ? [...this.items, ...page.notifications] : page.notifications;
        this.next = page.next;
        this.render();
        if (more) this.focusItem(from);
        this.count(page.count.unread);
        const unseen = page.notifications.filter((item) => item.state === "unseen").map((item) => item.id);
        if (unseen.length && !this.panel.hidden) this.line.fetch("/seen", { method: "POST", body: { ids: unseen } }).catch(() => {});
      } catch {
        this.message(this.line.over ? "ended" : "failed");
      } finally {
        this.busy = false;
      }
    }

    message(name) {
      this.say.replaceChildren(make("p", {}, this.text(name)));
      this.say.setAttribute("role", name === "failed" || name === "ended" ? "alert" : "status");
      if (name === "failed") {
        this.say.append(make("button", { class: "plain", type: "button", onclick: () => this.load() }, this.text("again")));
      }
      this.say.hidden = false;
      this.list.hidden = this.foot.hidden = true;
    }

    render() {
      const active = this.root.activeElement;
      const focused = active && active.closest("li") ? active.closest("li").dataset.id : "";
      this.list.replaceChildren(...this.items.map((item) => this.row(item)));
      this.list.hidden = !this.items.length;
      this.foot.hidden = !this.next;
      if (this.items.length) this.say.hidden = true;
      else this.message("none");
      const rows = [...this.list.children];
      const again = rows.findIndex((row) => row.dataset.id === focused);
      if (rows.length) rows[Math.max(again, 0)].tabIndex = 0;
      if (again >= 0) rows[again].focus();
      this.show();
    }

    row(item) {
      const url = webAddress(item.action_url);
      const key = `t-${item.id}`;
      const unread = this.isUnread(item);
      return make("li", { tabindex: "-1", "data-id": item.id, "aria-labelledby": key, class: unread && "unread",
        onclick: () => this.read(item) },
      make("div", {},
        make("h3", { id: key }, unread ? make("span", { class: "quiet" }, `${this.text("isUnread")}: `) : null, item.title),
        make("p", {}, item.body),
        this.time(item.created_at),
        url ? make("a", { href: url, target: "_blank", rel: "noopener noreferrer", onclick: (event) => {
          event.stopPropagation();
          this.move(item, "acted_on");
        } }, item.action_label || url) : null),
      make("button", { class: "icon", type: "button", "aria-label": `${this.text("dismiss")}: ${item.title}`, title: this.text("dismiss"),
        onclick: (event) => { event.stopPropagation(); this.dismiss(item); } }, "×"));
    }

    time(moment) {
      const date = new Date(moment), lang = this.dataset.lang || document.documentElement.lang || undefined;
      const minutes = Math.round((date - Date.now()) / 60000);
      const [value, unit] = Math.abs(minutes) < 60 ? [minutes, "minute"]
        : Math.abs(minutes) < 1440 ? [Math.round(minutes / 60), "hour"] : [Math.round(minutes / 1440), "day"];
      const words = Math.abs(value) > 30 && unit === "day" ? date.toLocaleDateString(lang)
        : new Intl.RelativeTimeFormat(lang, { numeric: "auto" }).format(value, unit);
      return make("time", { datetime: moment, title: date.toLocaleString(lang) }, words);
    }

    async move(item, to) {
      const unread = this.isUnread(item);
      item.state = to;
      if (unread) this.count(Math.max(0, this.unread - 1));
      this.render();
      try {
        await this.line.fetch(`/${encodeURIComponent(item.id)}/${to}`, { method: "POST" });
      } catch {
        if (to !== "acted_on") this.load();
      }
    }

    read(item) { if (this.isUnread(item)) return this.move(item, "read"); }

    readAll() {
      this.list.children[0].focus();
      return Promise.all(this.items.filter((item) => this.isUnread(item)).map((item) => this.move(item, "read")));
    }

    dismiss(item) {
      const at = this.items.indexOf(item);
      this.items = this.items.filter((other) => other !== item);
      const done = this.move(item, "dismissed");
      if (this.items.length) this.focusItem(Math.min(at, this.items.length - 1));
      else this.bell.focus();
      return done;
    }

    focusItem(at) {
      const rows = [...this.list.children];
      if (!rows[at]) return;
      rows.forEach((row) => { row.tabIndex = -1; });
      rows[at].tabIndex = 0;
      rows[at].focus();
    }

    key(event) {
      if (event.key === "Escape" && !this.panel.hidden) {
        event.stopPropagation();
        this.close(true);
        return;
      }
      const rows = [...this.list.children];
      const active = this.root.activeElement;
      const row = active && active.closest("li");
      if (!row) return;
      const at = rows.indexOf(row);
      const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
      if (to !== undefined) {
        event.preventDefault();
        this.focusItem(Math.max(0, Math.min(to, rows.length - 1)));
      } else if (active === row && (event.key === "Enter" || event.key === " ")) {
        event.preventDefault();
        this.read(this.items[at]);
      } else if (active === row && event.key === "Delete") {
        this.dismiss(this.items[at]);
      }
    }
  }

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
})();
