// The dialogs with an order: a new one, a change, and a conflict with somebody else's change.

import { call, newKey } from "./api.js";
import { openDialog } from "./dialog.js";
import { centsOf, editMoney, editNumber, formatMoney, numberOf, parseMoney, parseWhole } from "./money.js";
import { describeError, text } from "./text.js";

const WHOLE = { parse: parseWhole, edit: editNumber, hint: "whole", mode: "numeric" };
const MONEY = {
  parse: input => { const cents = parseMoney(input); return cents === null ? null : numberOf(cents); },
  edit: number => editMoney(centsOf(number)), hint: "money", mode: "decimal",
};
const ADDRESS = { parse: input => (input.trim() !== "" && [...input].length <= 255 ? input : null), edit: value => value, hint: "address", mode: "text" };

/** The fields of an order, in their order. */
export const FIELDS = { order_id: WHOLE, product_id: WHOLE, quantity: WHOLE, amount: MONEY, shipping: MONEY, tax: MONEY, shipping_address: ADDRESS };
const EDITABLE = Object.keys(FIELDS).filter(name => name !== "order_id");

/**
 * Asks for an order's values, and sends them with `save` until that succeeds or the person gives up. `save` gets the
 * values and an idempotency key. Without an order it is a new one.
 */
export function editOrder(order, save) {
  const dialog = document.getElementById("order");
  const form = dialog.querySelector("form");
  const inputs = drawFields(form.querySelector(".fields"), order);
  document.getElementById("order-name").textContent = order ? text("editOrder", { id: order.order_id }) : text("newOrder");
  const alert = form.querySelector(".problem");
  alert.hidden = true;
  const sum = () => {
    const cents = ["amount", "shipping", "tax"].map(name => parseMoney(inputs[name].value || "0"));
    form.querySelector("output").textContent = cents.includes(null) ? "–" : formatMoney(cents.reduce((all, one) => all + one));
  };
  sum();
  // The same key for each try of the same values: a repeated click writes once.
  let key = newKey();
  let isSaving = false;
  const result = openDialog(dialog, ({ finish, signal }) => {
    form.addEventListener("input", () => { key = newKey(); sum(); }, { signal });
    form.addEventListener("submit", async event => {
      event.preventDefault();
      if (isSaving) return;
      const values = read(inputs, Boolean(order));
      if (!values) return;
      isSaving = true;
      form.setAttribute("aria-busy", "true");
      alert.hidden = true;
      try {
        const saved = await save(values, key);
        if (saved) finish(saved);
      } catch (error) {
        if (error.status >= 400 && error.status < 500) key = newKey();
        showErrors(error, inputs, alert);
      } finally {
        isSaving = false;
        form.removeAttribute("aria-busy");
      }
    }, { signal });
  });
  inputs[order ? "quantity" : "product_id"].focus();
  return result;
}

function drawFields(root, order) {
  root.replaceChildren();
  const inputs = {};
  for (const [name, field] of Object.entries(FIELDS)) {
    if (order && name === "order_id") continue;
    const [box, label, input, fault] = ["div", "label", "input", "p"].map(tag => document.createElement(tag));
    box.className = name === "shipping_address" ? "wide" : "";
    label.htmlFor = input.id = `field-${name}`;
    label.textContent = text(name);
    input.inputMode = field.mode;
    input.autocomplete = "off";
    input.value = order ? field.edit(order[name]) : "";
    if (name === "order_id") label.textContent += ` (${text("chosenByService")})`;
    fault.className = "fault";
    fault.id = `fault-${name}`;
    fault.hidden = true;
    input.setAttribute("aria-describedby", fault.id);
    box.append(label, input, fault);
    root.append(box);
    inputs[name] = input;
  }
  return inputs;
}

function mark(input, reason) {
  const fault = document.getElementById(`fault-${input.id.slice("field-".length)}`);
  fault.textContent = reason ?? "";
  fault.hidden = !reason;
  if (reason) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}

/** The values, or null where some are wrong. */
function read(inputs, hasId) {
  const values = {};
  let first = null;
  for (const [name, input] of Object.entries(inputs)) {
    const { parse, hint } = FIELDS[name];
    const isLeftOut = name === "order_id" && !hasId && input.value.trim() === "";
    const value = isLeftOut ? undefined : parse(input.value);
    mark(input, value === null ? text(hint) : null);
    if (value === null) first ??= input;
    values[name] = value;
  }
  first?.focus();
  return first ? null : values;
}

function showErrors(error, inputs, alert) {
  let first = null;
  for (const { field, detail } of error.errors ?? []) {
    if (inputs[field]) {
      mark(inputs[field], detail);
      first ??= inputs[field];
    }
  }
  alert.textContent = describeError(error);
  alert.hidden = false;
  first?.focus();
}

/**
 * Saves a change of an order. Where somebody else has changed it meanwhile, the person chooses for each field that
 * differs. Returns the saved order, or null where the person gave up.
 */
export async function saveChange({ order, tag }, values, key) {
  let base = order;
  let mine = { ...values, order_id: order.order_id };
  for (let current = tag, attemptKey = key; ; attemptKey = newKey()) {
    try {
      const response = await call("PUT", `orders/${order.order_id}`, { body: mine, key: attemptKey, ifMatch: current });
      return response.json;
    } catch (error) {
      if (error.slug !== "precondition-failed") throw error;
    }
    const response = await call("GET", `orders/${order.order_id}`);
    const theirs = response.json;
    current = response.headers.get("ETag");
    const differing = EDITABLE.filter(name => !isSame(name, mine[name], theirs[name]));
    if (differing.length > 0) {
      const chosen = await choose(differing, { base, mine, theirs });
      if (!chosen) return null;
      mine = { ...theirs, ...chosen };
    }
    base = theirs;
  }
}

const isSame = (name, one, other) => (FIELDS[name] === MONEY ? centsOf(one) === centsOf(other) : one === other);

/** Asks which value each field gets. What only one side has changed is chosen already. */
function choose(names, { base, mine, theirs }) {
  const dialog = document.getElementById("conflict");
  const form = dialog.querySelector("form");
  const show = (name, order) => (FIELDS[name] === MONEY ? formatMoney(centsOf(order[name])) : String(order[name]));
  form.querySelector(".choices").replaceChildren(...names.map(name => {
    const [set, legend] = ["fieldset", "legend"].map(tag => document.createElement(tag));
    legend.textContent = text(name);
    set.append(legend);
    const isMine = !isSame(name, mine[name], base[name]);
    for (const [side, order] of [["yours", mine], ["theirs", theirs]]) {
      const [label, radio] = ["label", "input"].map(tag => document.createElement(tag));
      Object.assign(radio, { type: "radio", name, value: side, checked: (side === "yours") === isMine });
      label.append(radio, ` ${text(side, { value: show(name, order) })}`);
      set.append(label);
    }
    return set;
  }));
  return openDialog(dialog, ({ finish, signal }) => {
    form.addEventListener("submit", event => {
      event.preventDefault();
      const data = new FormData(form);
      finish(Object.fromEntries(names.map(name => [name, (data.get(name) === "yours" ? mine : theirs)[name]])));
    }, { signal });
  });
}
