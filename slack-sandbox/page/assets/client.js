// Draws parts of the page anew when the server says that something changed, and tells it what a person does.
const at = new URL(location.href).searchParams;
const byId = (id) => document.getElementById(id);
const drawn = new Map();

async function post(act) {
  const as = document.querySelector("[data-who]").value;
  const answer = await fetch("/client/act", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ as, ...act }),
  });
  const { ok, error } = await answer.json();
  byId("notice").textContent = ok ? "" : error;
}

function valueOf(element) {
  if (element.classList.contains("choices")) {
    const checked = [...element.querySelectorAll("input:checked")].map((input) => input.value);
    return element.dataset.element === "checkboxes" ? checked : (checked[0] ?? null);
  }
  return element.value;
}

function restore(element, value) {
  if (element.classList.contains("choices"))
    for (const input of element.querySelectorAll("input")) input.checked = [value].flat().includes(input.value);
  else if (typeof value === "string") element.value = value;
}

const fields = (surface) => [...surface.querySelectorAll("[data-element]:not([data-element=button])")];

/** By block id within input blocks, else by action id, as Slack's sandbox takes them. */
function valuesOf(surface) {
  const values = {};
  for (const field of fields(surface)) {
    const key = field.closest("[data-input]") ? field.dataset.block : field.dataset.action;
    values[key] = valueOf(field);
  }
  return values;
}

/** Redraws a part, keeping the focus and what was typed in it. */
function draw(id, markup) {
  if (drawn.get(id) === markup) return false;
  drawn.set(id, markup);
  const part = byId(id);
  const kept = new Map(fields(part).map((field) => [`${field.dataset.block} ${field.dataset.action}`, valueOf(field)]));
  const view = part.querySelector("[data-view]")?.dataset.view;
  const list = part.querySelector(".messages");
  const isAtEnd = !list || list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  const scrolled = list?.scrollTop ?? 0;
  const focused = part.contains(document.activeElement) ? document.activeElement.dataset : null;
  part.innerHTML = markup;
  if (view === part.querySelector("[data-view]")?.dataset.view && id === "modal")
    for (const field of fields(part)) {
      const before = kept.get(`${field.dataset.block} ${field.dataset.action}`);
      if (before !== undefined) restore(field, before);
    }
  if (focused?.action)
    part.querySelector(`[data-action="${CSS.escape(focused.action)}"][data-block="${CSS.escape(focused.block)}"]`)?.focus();
  const next = part.querySelector(".messages");
  if (next)
    next.scrollTop =
      isAtEnd && !next.classList.contains("log") && !next.classList.contains("home") ? next.scrollHeight : scrolled;
  return true;
}

let isDrawing = false;
let again = false;
async function refresh() {
  if (isDrawing) {
    again = true;
    return;
  }
  isDrawing = true;
  try {
    const regions = await (await fetch(`/client/regions?${at}`)).json();
    draw("rail", regions.rail);
    draw("main", regions.main);
    draw("thread", regions.thread);
    byId("side").hidden = regions.thread === "";
    byId("writing").hidden = regions.composer === null;
    if (regions.composer) {
      const text = byId("composer").elements.text;
      text.placeholder = regions.composer.label;
      text.setAttribute("aria-label", regions.composer.label);
      byId("composer").dataset.channel = regions.composer.channel;
      byId("reply").dataset.channel = regions.composer.channel;
    }
    const modal = byId("modal");
    if (modal.dataset.key !== regions.modalKey) {
      const wasOpen = modal.firstElementChild !== null;
      modal.dataset.key = regions.modalKey;
      drawn.delete("modal");
      draw("modal", regions.modal);
      const first = modal.querySelector("[aria-invalid]") ?? (wasOpen ? null : modal.querySelector(".body [data-element]"));
      first?.focus();
    }
  } finally {
    isDrawing = false;
  }
  if (again) {
    again = false;
    void refresh();
  }
}

function go(changes) {
  for (const [name, value] of Object.entries(changes)) {
    if (value === "") at.delete(name);
    else at.set(name, value);
  }
  history.replaceState(null, "", `?${at}`);
  drawn.clear();
  if (at.get("in") === "home" && ("in" in changes || "as" in changes))
    void post({ do: "open-home", as: at.get("as") ?? document.querySelector("[data-who]").value });
  return refresh();
}

function confirmed(text) {
  if (!text) return Promise.resolve(true);
  const { title, text: body, confirm, deny, danger } = JSON.parse(text);
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-label", title);
  const part = (name, content, className = "") =>
    Object.assign(document.createElement(name), { textContent: content, className });
  const yes = Object.assign(part("button", confirm, `button ${danger ? "danger" : "primary"}`), {
    onclick: () => dialog.close("yes"),
  });
  const no = Object.assign(part("button", deny, "button"), { onclick: () => dialog.close("no") });
  dialog.append(part("h2", title), part("p", body), no, yes);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}

async function use(element) {
  const surface = element.closest("[data-surface]");
  const { action: actionId, block: blockId } = element.dataset;
  const selected = element.dataset.element === "button" ? undefined : valueOf(element);
  if (!(await confirmed(element.dataset.confirm))) return;
  const { surface: where, channel, ts } = surface.dataset;
  await post({ do: where, channel, ts, actionId, blockId, selected, values: valuesOf(surface) });
}

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-faults], [data-go], [data-go-thread], [data-close-view], [data-element=button]");
  if (!target) return;
  if (target.dataset.faults !== undefined) {
    const headers = { "content-type": "application/json" };
    void fetch("/sandbox/faults", { method: "POST", headers, body: target.dataset.faults });
  } else if (target.dataset.go !== undefined) {
    event.preventDefault();
    void go({ in: target.dataset.go, thread: "" });
  } else if (target.dataset.goThread !== undefined) void go({ thread: target.dataset.goThread });
  else if (target.dataset.closeView !== undefined) void post({ do: "close" });
  else void use(target);
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-who]")) return void go({ as: event.target.value, thread: "" });
  if (event.target.matches("[data-zone]")) return void go({ zone: event.target.value });
  const element = event.target.closest("[data-live]");
  if (element && element.dataset.element !== "button") void use(element);
});

document.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  if (form.dataset.surface === "view") {
    form.querySelector("[type=submit]").disabled = true;
    void post({ do: "submit", values: valuesOf(form) }).finally(() => {
      const button = byId("modal").querySelector("[type=submit]");
      if (button) button.disabled = false;
    });
    return;
  }
  const text = form.elements.text.value.trim();
  if (text === "") return;
  form.elements.text.value = "";
  const thread = form.id === "reply" ? { threadTs: at.get("thread") } : {};
  void post({ do: "say", channel: form.dataset.channel, text, ...thread });
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && byId("modal").firstElementChild && !document.querySelector("dialog")) void post({ do: "close" });
});

const list = document.querySelector("main .messages");
if (list && !list.classList.contains("home")) list.scrollTop = list.scrollHeight;
if (at.get("in") === "home") void go({ in: "home" });
new EventSource("/client/stream").addEventListener("change", () => void refresh());
