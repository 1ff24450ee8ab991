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
