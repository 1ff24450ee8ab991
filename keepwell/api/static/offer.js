/* Says once that a person looks at the offer: at the first movement of a hand, which mail scanners lack. */
(function () {
  "use strict";
  var signs = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"];
  function seen(event) {
    if (!event.isTrusted) return;
    signs.forEach(function (sign) { removeEventListener(sign, seen, true); });
    fetch(location.pathname.replace(/\/$/, "") + "/seen", { method: "POST", keepalive: true, credentials: "omit" })
      .catch(function () { /* An answer says it, too. */ });
  }
  signs.forEach(function (sign) { addEventListener(sign, seen, { capture: true, passive: true }); });
})();
