// Reads orders from a file. They are sent in parts; faulty ones are left out and named.

import { call, newKey } from "./api.js";
import { openDialog } from "./dialog.js";
import { FIELDS } from "./form.js";
import { formatNumber } from "./money.js";
import { describeError, text } from "./text.js";

const PART = 200;

/** Opens the dialog. Resolves when it is closed: true where orders were written. */
export async function importOrders() {
  const dialog = document.getElementById("import");
  const [file, start, bar, output, faults, alert] =
    ["input", ".start", "progress", "output", ".faults", ".problem"].map(part => dialog.querySelector(part));
  file.value = "";
  start.disabled = true;
  bar.hidden = alert.hidden = true;
  output.textContent = "";
  faults.replaceChildren();
  let orders = null;
  let written = 0;

  const read = async () => {
    alert.hidden = true;
    start.disabled = true;
    orders = null;
    const [chosen] = file.files;
    if (!chosen) return;
    try {
      const parsed = JSON.parse(await chosen.text());
      if (!Array.isArray(parsed)) throw text("notArray");
      orders = parsed;
      start.disabled = orders.length === 0;
      output.textContent = text("importProgress", { done: 0, all: formatNumber(orders.length) });
    } catch (reason) {
      alert.textContent = typeof reason === "string" ? reason : text("notJson", { reason: reason.message });
      alert.hidden = false;
    }
  };

  const nameFault = (index, reason) => {
    const item = document.createElement("li");
    item.textContent = text("itemFault", { number: formatNumber(index + 1), reason });
    faults.append(item);
  };

  const run = async signal => {
    start.disabled = file.disabled = true;
    bar.hidden = false;
    bar.max = orders.length;
    let done = 0;
    try {
      for (let first = 0; first < orders.length && !signal.aborted; first += PART) {
        const items = orders.slice(first, first + PART).map((order, index) => ({ order, index: first + index }));
        written += await writePart(items, nameFault, signal);
        done = Math.min(first + PART, orders.length);
        bar.value = done;
        output.textContent = text("importProgress", { done: formatNumber(done), all: formatNumber(orders.length) });
      }
      output.textContent = text("importDone", { done: formatNumber(written), faulty: formatNumber(done - written) });
    } catch (error) {
      alert.textContent = describeError(error);
      alert.hidden = false;
      output.textContent = text("importStopped", { done: formatNumber(written), all: formatNumber(orders.length) });
    } finally {
      file.disabled = false;
    }
  };

  await openDialog(dialog, ({ signal }) => {
    file.addEventListener("change", read, { signal });
    start.addEventListener("click", () => run(signal), { signal });
  });
  return written > 0;
}

const isObject = value => typeof value === "object" && value !== null && !Array.isArray(value);

/** Writes a part, all of it or what is left without its faulty items. Returns how many were written. */
async function writePart(all, nameFault, signal) {
  // Of these the service cannot say which one is wrong.
  for (const { order, index } of all) if (!isObject(order)) nameFault(index, text("notAnOrder"));
  let items = all.filter(({ order }) => isObject(order));
  while (items.length > 0) {
    try {
      await call("POST", "create_orders", { body: items.map(item => item.order), key: newKey(), signal });
      return items.length;
    } catch (error) {
      const faulty = faultyItems(error, items);
      if (faulty.size === 0) throw error;
      for (const [item, reason] of faulty) nameFault(item.index, reason);
      items = items.filter(item => !faulty.has(item));
    }
  }
  return 0;
}

/** The items that a problem names, with what is wrong: "[3].quantity", or the id that is taken. */
function faultyItems(error, items) {
  const faulty = new Map();
  for (const { field, detail } of error.errors) {
    const [, index, name] = /^\[(\d+)\]\.?(.*)$/.exec(field) ?? [];
    const item = items[Number(index)];
    if (item) faulty.set(item, [faulty.get(item), `${FIELDS[name] ? `${text(name)}: ` : name}${detail}`].filter(Boolean).join("; "));
  }
  if (error.slug === "duplicate-order") {
    const id = Number(/\d+/.exec(error.message)?.[0]);
    const item = items.findLast(({ order }) => Number(order?.order_id) === id);
    if (item) faulty.set(item, text("duplicateItem", { id }));
  }
  return faulty;
}
