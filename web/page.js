// The page for whoever keeps the shop: the orders, and the state of the service.

import { call, newKey, setToken, token } from "./api.js";
import { editOrder, saveChange } from "./form.js";
import { importOrders } from "./import.js";
import { OrderList } from "./list.js";
import { formatMoney, formatNumber, setLocale } from "./money.js";
import { currentLanguage, describeError, fillTexts, setLanguage, text } from "./text.js";

const HEALTH_INTERVAL = 5_000;
const NOTE_TIME = 10_000;

const byId = id => document.getElementById(id);

const list = new OrderList(byId("list"), byId("more"), {
  load: loadOrders, edit, remove, failed: report,
  changed: () => {
    const { count, cents } = list.sums();
    byId("list-sum").textContent = text(count === 1 ? "sumOne" : "sum", { count: formatNumber(count), total: formatMoney(cents) });
  },
});

async function loadOrders(after, limit, only) {
  if (only !== null) {
    const { json } = await call("GET", `orders/${only}`);
    return { orders: [json], hasMore: false };
  }
  const { json, headers } = await call("GET", `orders?limit=${limit}&after=${after}`);
  return { orders: json, hasMore: (headers.get("Link") ?? "").includes('rel="next"') };
}

async function create() {
  const saved = await editOrder(null, async (values, key) => (await call("POST", "orders", { body: values, key })).json);
  if (!saved) return;
  list.put(saved);
  note(text("created", { id: saved.order_id }));
  focusRow(saved.order_id);
}

async function edit(id) {
  await reporting(async () => {
    const { json: order, headers } = await call("GET", `orders/${id}`);
    const loaded = { order, tag: headers.get("ETag") };
    const saved = await editOrder(order, (values, key) => saveChange(loaded, values, key));
    if (saved) {
      list.replace(saved);
      note(text("changed", { id }));
    }
    focusRow(id);
  });
}

async function remove(id) {
  await reporting(async () => {
    const order = await deleteAsItIs(id);
    list.drop(id);
    const restore = async () => {
      await reporting(async () => {
        const { json } = await call("POST", "orders", { body: order, key: newKey() });
        list.put(json);
        note(text("restored", { id }));
        focusRow(id);
      });
    };
    note(text("removed", { id }), { action: text("undo"), act: restore });
  });
}

/** Deletes the order in the state that is returned: what is undone is what was there. */
async function deleteAsItIs(id) {
  for (let tries = 1; ; tries += 1) {
    const { json: order, headers } = await call("GET", `orders/${id}`);
    try {
      await call("DELETE", `orders/${id}`, { key: newKey(), ifMatch: headers.get("ETag") });
      return order;
    } catch (error) {
      if (error.slug !== "precondition-failed" || tries >= 3) throw error;
    }
  }
}

function focusRow(id) {
  list.row(id)?.querySelector("button")?.focus();
}

async function reporting(work) {
  try {
    await work();
  } catch (error) {
    if (error.slug === "order-not-found") list.drop(Number(/\d+/.exec(error.message)?.[0]));
    report(error);
  }
}

function report(error) {
  note(describeError(error), { isBad: true, requestId: error.requestId });
  if (error.status === 401) askForToken();
}

/** A message that goes by itself, unless it is about an error. */
function note(message, { action, act, isBad = false, requestId } = {}) {
  const [box, words] = ["div", "p"].map(tag => document.createElement(tag));
  box.className = isBad ? "note bad" : "note";
  words.textContent = message;
  if (requestId) {
    const small = document.createElement("small");
    small.textContent = text("requestId", { id: requestId });
    words.append(small);
  }
  box.append(words);
  const addButton = (label, run) => {
    const element = document.createElement("button");
    element.type = "button";
    element.textContent = label;
    element.addEventListener("click", () => { box.remove(); run?.(); });
    box.append(element);
  };
  if (action) addButton(action, act);
  addButton(text("dismiss"));
  byId("notes").append(box);
  if (!isBad) setTimeout(() => box.remove(), NOTE_TIME);
}

let tokenDialog = null;

function askForToken() {
  tokenDialog ??= new Promise(resolve => {
    const dialog = byId("token");
    const input = byId("token-value");
    input.value = token() ?? "";
    dialog.querySelector(".cancel").onclick = () => dialog.close("");
    dialog.onclose = () => {
      if (dialog.returnValue === "save") setToken(input.value.trim());
      if (dialog.returnValue === "forget") setToken(null);
      input.value = "";
      tokenDialog = null;
      if (dialog.returnValue) list.start();
      resolve();
    };
    dialog.returnValue = "";
    dialog.showModal();
  });
}

async function showHealth() {
  const [line, words] = [byId("health"), byId("health").querySelector(".words")];
  let [isGood, message] = [true, text("healthy")];
  try {
    await call("GET", "ready", { signal: AbortSignal.timeout(4_000), maxTries: 1 });
  } catch (error) {
    isGood = false;
    const isDatabase = ["database-unavailable", "database-timeout", "overloaded"].includes(error.slug);
    message = error.status === 0 ? text("noService") : isDatabase ? text("noDatabase") : text("starting", { reason: error.message });
  }
  if (isGood) list.resume();
  line.className = isGood ? "good" : "bad";
  // Only a change is read out.
  if (words.textContent !== message) words.textContent = message;
}

function applyLanguage() {
  setLocale(currentLanguage());
  fillTexts();
  byId("language").value = currentLanguage();
}

byId("language").addEventListener("change", event => {
  setLanguage(event.target.value);
  applyLanguage();
  list.redraw();
  list.changed();
  showHealth();
});
byId("search").addEventListener("submit", event => {
  event.preventDefault();
  const id = byId("search-id").value.trim();
  if (!/^\d+$/.test(id)) return byId("search-id").focus();
  byId("clear-search").hidden = false;
  list.start(Number(id));
});
byId("clear-search").addEventListener("click", () => {
  byId("search-id").value = "";
  byId("clear-search").hidden = true;
  list.start();
});
byId("new-order").addEventListener("click", create);
byId("reload").addEventListener("click", () => list.start(list.only));
byId("open-token").addEventListener("click", askForToken);
byId("open-import").addEventListener("click", async () => {
  if (await importOrders()) list.start();
});

applyLanguage();
list.start();
showHealth();
setInterval(() => { if (!document.hidden) showHealth(); }, HEALTH_INTERVAL);
