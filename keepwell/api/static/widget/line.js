const FIRST_REST = 1000, LONGEST_REST = 60000, POLL = 30000, ENDED = 4401;

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
