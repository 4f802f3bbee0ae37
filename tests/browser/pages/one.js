// One chat for each participant named in the address: ?who=ana,luis&lang=es&theme=dark
const query = new URLSearchParams(location.search);
window.events = [];
for (const name of ["ready", "message", "unread", "state"]) {
  addEventListener(`tertulia:${name}`, (event) => window.events.push([name, event.detail]));
}
for (const who of (query.get("who") ?? "ana").split(",")) {
  const chat = document.createElement("tertulia-chat");
  chat.setAttribute("conversation", query.get("conversation") ?? "c1");
  for (const name of ["lang", "theme", "brand"]) if (query.has(name)) chat.setAttribute(name, query.get(name));
  if (query.has("refresh")) chat.getToken = async () => `${who}.${++window.refreshed}`;
  chat.token = who;
  document.querySelector("main").append(chat);
}
window.refreshed = 0;
const theme = query.get("theme");
if (theme) document.documentElement.dataset.theme = theme;
