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
    this.unread = this.moving = this.turn = 0;
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
    const fresh = said.new || [];
    if (fresh.length) this.live.textContent = this.text("fresh", { title: fresh[fresh.length - 1].title });
    if (this.moving) { this.again = true; return; }
    const changed = said.unread !== this.unread;
    this.count(said.unread);
    if ((fresh.length || changed) && !this.panel.hidden) this.load();
  }

  /* A change of ours. What the server says meanwhile may be of before it: it is asked again afterwards. */
  async own(work) {
    this.turn += 1;
    this.moving += 1;
    try {
      return await work();
    } finally {
      this.moving -= 1;
      this.catchUp();
    }
  }

  catchUp() {
    if (!this.again || this.busy || this.moving) return;
    this.again = false;
    this.load();
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
    if (this.busy || (this.moving && !more)) {
      this.again ||= !more;
      return;
    }
    this.busy = true;
    const turn = this.turn;
    if (!this.items.length) this.message("loading");
    try {
      const path = more && this.next ? `?before=${encodeURIComponent(this.next)}` : "";
      const page = await (await this.line.fetch(path)).json();
      const old = turn !== this.turn;
      if (old) this.again = true;
      if (old && !more) return;
      const from = more ? this.items.length : 0;
      const older = more ? [] : this.below(page);
      this.items = more ? [...this.items, ...page.notifications] : [...page.notifications, ...older];
      if (!older.length) this.next = page.next;
      this.render();
      if (more) this.focusItem(from);
      if (!old) this.count(page.count.unread);
      const unseen = page.notifications.filter((item) => item.state === "unseen").map((item) => item.id);
      if (unseen.length && !this.panel.hidden) this.line.fetch("/seen", { method: "POST", body: { ids: unseen } }).catch(() => {});
    } catch {
      this.message(this.line.over ? "ended" : "failed");
    } finally {
      this.busy = false;
      this.catchUp();
    }
  }

  /* What is shown below a first page that came anew: a push takes away nothing that somebody reads. */
  below(page) {
    const last = page.notifications[page.notifications.length - 1];
    if (!last || !page.next) return [];
    const there = new Set(page.notifications.map((item) => item.id));
    return this.items.filter((item) => !there.has(item.id) && item.created_at <= last.created_at);
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
    const within = focused && !active.matches("li") ? active.localName : "";
    this.list.replaceChildren(...this.items.map((item) => this.row(item)));
    this.list.hidden = !this.items.length;
    this.foot.hidden = !this.next;
    if (this.items.length) this.say.hidden = true;
    else this.message("none");
    const rows = [...this.list.children];
    const again = rows.findIndex((row) => row.dataset.id === focused);
    if (rows.length) rows[Math.max(again, 0)].tabIndex = 0;
    if (again >= 0) ((within && rows[again].querySelector(within)) || rows[again]).focus();
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
      await this.own(() => this.line.fetch(`/${encodeURIComponent(item.id)}/${to}`, { method: "POST" }));
    } catch {
      if (to !== "acted_on") this.load();
    }
  }

  read(item) { if (this.isUnread(item)) return this.move(item, "read"); }

  readAll() {
    this.list.children[0].focus();
    const until = this.items[0].id;
    this.items.filter((item) => this.isUnread(item)).forEach((item) => { item.state = "read"; });
    this.render();
    return this.own(() => this.line.fetch("/all/read", { method: "POST", body: { until } }))
      .then((answer) => answer.json()).then((left) => this.count(left.unread), () => this.load());
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
