/* oxlint-disable typescript/no-unsafe-member-access, typescript/no-unsafe-call, typescript/no-unsafe-assignment, typescript/no-unsafe-argument -- browser code; the checker knows the types of Node alone */
// The pages work without this. It keeps them up to date, shows times in the reader's zone, and
// keeps a form from being sent twice.

const main = document.querySelector("main");
const events = main?.dataset.events;
const connection = document.getElementById("connection");

/**
 * Replaces the parts that changed; a form that somebody fills in stays until what it asks changed, and
 * one that many things change, for as long as it is open: its answer says what became of each.
 */
async function refresh() {
  const response = await fetch(main.dataset.self, { headers: { "countersign-part": "1" }, credentials: "same-origin" });
  if (response.status === 401) return location.reload();
  if (!response.ok) return undefined;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  localise(fresh);
  tick(fresh);
  for (const part of document.querySelectorAll("[data-part][id]")) {
    const other = fresh.getElementById(part.id);
    const filledIn = part.dataset.keepOpen !== undefined && part.querySelector("details[open]") !== null;
    const kept = filledIn || (part.dataset.keep !== undefined && part.dataset.keep === other?.dataset.keep);
    if (other !== null && !kept && part.outerHTML !== other.outerHTML) part.replaceWith(document.adoptNode(other));
  }
  return undefined;
}

/** Many records come at once: one look a moment is enough, and never two at the same time. */
let looking = false;
let again = false;
async function look() {
  if (looking) {
    again = true;
    return;
  }
  looking = true;
  try {
    await refresh();
  } catch {
    // The connection's own event tells that it is lost.
  }
  await new Promise((resolve) => setTimeout(resolve, 150));
  looking = false;
  if (again) {
    again = false;
    await look();
  }
}

/** A connection that comes back at once was not lost: nobody needs to read of it. */
const lostAfterMs = 5000;
let lost;
function showLost() {
  lost ??= setTimeout(() => {
    if (connection !== null) connection.hidden = false;
  }, lostAfterMs);
}
function showFound() {
  clearTimeout(lost);
  lost = undefined;
  if (connection !== null) connection.hidden = true;
}

let source;
function follow() {
  source = new EventSource(events);
  source.addEventListener("record", () => void look());
  // Between the page and the stream, or while it was away, something may have been missed.
  source.addEventListener("ready", () => {
    showFound();
    main.dataset.live = "yes";
    void look();
  });
  source.addEventListener("error", () => {
    showLost();
    delete main.dataset.live;
    // Where the server said no the browser gives up: the next look tells whether somebody signed out.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => void look(), 2000);
  });
}

if (events !== undefined) {
  follow();
  // A browser holds six connections to a server: pages in the background must not take them all.
  document.addEventListener("visibilitychange", () => {
    source.close();
    delete main.dataset.live;
    if (document.visibilityState === "visible") follow();
  });
}

const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
function localise(root) {
  for (const time of root.querySelectorAll("time[data-local]")) {
    time.title = time.dateTime;
    time.textContent = format.format(new Date(time.dateTime));
  }
}

function inWords(ms) {
  if (ms < 60_000) return `${(ms / 1000).toFixed(0)} s`;
  return ms < 3_600_000
    ? `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1000)} s`
    : `${Math.floor(ms / 3_600_000)} h ${Math.floor((ms % 3_600_000) / 60_000)} min`;
}

function tick(root) {
  for (const span of root.querySelectorAll("[data-since]"))
    span.textContent = `for ${inWords(Math.max(0, Date.now() - Date.parse(span.dataset.since)))}`;
}
setInterval(() => tick(document), 1000);

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-once]")) return;
  if (form.getAttribute("aria-busy") === "true") event.preventDefault();
  else form.setAttribute("aria-busy", "true");
});
// A page from the browser's back-forward cache can be sent again; the server knows its key.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[aria-busy]")) form.removeAttribute("aria-busy");
});

// Rejecting and asking for changes need a reason; the server says the same.
document.addEventListener("change", (event) => {
  if (event.target.name !== "decision") return;
  const reason = event.target.form.elements.namedItem("reason");
  reason.required = event.target.value !== "approve";
});

localise(document);
tick(document);
