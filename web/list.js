// The table of orders: it loads by key while the reader scrolls, and draws only what is near the screen.

import { centsOf, formatMoney, formatNumber } from "./money.js";
import { text } from "./text.js";

const PAGE_SIZE = 100;

/** How far beyond the screen rows are drawn and loaded. */
const MARGIN = "1200px";

const CELLS = ["order_id", "product_id", "quantity", "amount", "shipping", "tax", "total", "shipping_address"];
const MONEY = new Set(["amount", "shipping", "tax"]);

const totalOf = order => centsOf(order.amount) + centsOf(order.shipping) + centsOf(order.tax);

const sumOf = orders => orders.reduce((cents, order) => cents + totalOf(order), 0n);

export class OrderList {
  /** `load` fetches a page after an id; `edit` and `remove` are what a row's buttons do; `changed` hears of sums. */
  constructor(root, end, { load, edit, remove, changed, failed }) {
    Object.assign(this, { root, end, load, edit, remove, changed, failed });
    this.groups = [];
    this.generation = 0;
    this.near = new IntersectionObserver(entries => entries.forEach(entry => this.#see(entry)), { rootMargin: MARGIN });
    this.atEnd = new IntersectionObserver(entries => { if (entries.some(entry => entry.isIntersecting)) this.#loadMore(); }, { rootMargin: MARGIN });
    this.atEnd.observe(end);
  }

  /** Forgets all orders, and loads anew: from the beginning, or the one with this id only. */
  async start(only = null) {
    this.generation += 1;
    for (const group of this.groups) this.near.unobserve(group.element);
    this.groups.forEach(group => group.element.remove());
    Object.assign(this, { groups: [], after: 0, only, isOver: false, isLoading: false, failedOnce: false });
    await this.#loadMore();
  }

  /** Goes on with loading where that failed. */
  resume() {
    if (this.failedOnce) this.#loadMore();
  }

  async #loadMore() {
    if (this.isOver || this.isLoading) return;
    this.isLoading = true;
    this.#tell();
    const generation = this.generation;
    try {
      const { orders, hasMore } = await this.load(this.after, PAGE_SIZE, this.only);
      if (generation !== this.generation) return;
      this.isOver = !hasMore;
      if (orders.length > 0) {
        this.after = orders[orders.length - 1].order_id;
        this.#append(orders);
      }
      this.failedOnce = false;
    } catch (error) {
      if (generation !== this.generation) return;
      this.failedOnce = true;
      this.failed(error);
    } finally {
      if (generation === this.generation) {
        this.isLoading = false;
        this.#tell();
        this.changed();
      }
    }
    // The end is still near: the observer tells only changes.
    if (generation === this.generation && !this.isOver && !this.failedOnce) {
      this.atEnd.unobserve(this.end);
      this.atEnd.observe(this.end);
    }
  }

  #append(orders) {
    const element = document.createElement("div");
    element.setAttribute("role", "rowgroup");
    const group = { orders, element, isDrawn: false, sum: sumOf(orders) };
    element.group = group;
    this.groups.push(group);
    this.root.append(element);
    this.#draw(group);
    this.near.observe(element);
  }

  #see(entry) {
    const { group } = entry.target;
    if (entry.isIntersecting && !group.isDrawn) this.#draw(group);
    // A row that has the focus stays.
    if (!entry.isIntersecting && group.isDrawn && !group.element.contains(document.activeElement)) {
      group.element.style.height = `${group.element.offsetHeight}px`;
      group.element.replaceChildren();
      group.isDrawn = false;
    }
  }

  #draw(group) {
    const first = this.groups.slice(0, this.groups.indexOf(group)).reduce((sum, other) => sum + other.orders.length, 0);
    group.element.style.height = "";
    group.element.replaceChildren(...group.orders.map((order, index) => this.#row(order, first + index + 2)));
    group.isDrawn = true;
  }

  #row(order, index) {
    const row = document.createElement("div");
    row.setAttribute("role", "row");
    row.setAttribute("aria-rowindex", index);
    row.dataset.id = order.order_id;
    for (const name of CELLS) {
      const cell = document.createElement("span");
      cell.setAttribute("role", "cell");
      cell.dataset.name = text(name);
      cell.className = name === "shipping_address" ? "address" : "number";
      cell.textContent = shown(order, name);
      row.append(cell);
    }
    const actions = document.createElement("span");
    actions.setAttribute("role", "cell");
    actions.className = "actions";
    actions.append(
      button("edit", { id: order.order_id }, () => this.edit(order.order_id)),
      button("remove", { id: order.order_id }, () => this.remove(order.order_id)),
    );
    row.append(actions);
    return row;
  }

  /** The number of loaded orders, and their total in cents. */
  sums() {
    const count = this.groups.reduce((all, group) => all + group.orders.length, 0);
    return { count, cents: this.groups.reduce((all, group) => all + group.sum, 0n) };
  }

  #update(group) {
    group.sum = sumOf(group.orders);
    if (group.isDrawn) this.#draw(group);
  }

  /** Puts an order where its id belongs, in place of an older state. */
  put(order) {
    const isBeyond = !this.isOver && order.order_id > this.after;
    if (this.only !== null || isBeyond) return;
    let group = this.groups.find(({ orders }) => orders.length > 0 && orders[orders.length - 1].order_id >= order.order_id) ?? this.groups[this.groups.length - 1];
    if (!group) {
      this.#append([order]);
    } else {
      const index = group.orders.findIndex(other => other.order_id >= order.order_id);
      if (index < 0) group.orders.push(order);
      else group.orders.splice(index, group.orders[index].order_id === order.order_id ? 1 : 0, order);
      this.#update(group);
    }
    this.#tell();
    this.changed();
  }

  /** Replaces an order that is shown. */
  replace(order) {
    const group = this.groups.find(({ orders }) => orders.some(other => other.order_id === order.order_id));
    if (!group) return;
    group.orders[group.orders.findIndex(other => other.order_id === order.order_id)] = order;
    this.#update(group);
    this.changed();
  }

  /** Takes an order away. */
  drop(id) {
    const group = this.groups.find(({ orders }) => orders.some(order => order.order_id === id));
    if (!group) return;
    group.orders = group.orders.filter(order => order.order_id !== id);
    this.#update(group);
    this.#tell();
    this.changed();
  }

  /** Draws all again, in another language. */
  redraw() {
    for (const group of this.groups) if (group.isDrawn) this.#draw(group);
    this.#tell();
  }

  /** The row of an order that is drawn. */
  row(id) {
    return this.root.querySelector(`[data-id="${id}"]`);
  }

  #tell() {
    const isEmpty = this.groups.every(group => group.orders.length === 0);
    const name = this.isLoading ? "loading" : !this.isOver ? "more" : isEmpty ? "none" : "end";
    this.end.textContent = text(name);
  }
}

function shown(order, name) {
  if (name === "total") return formatMoney(totalOf(order));
  if (MONEY.has(name)) return formatMoney(centsOf(order[name]));
  if (name === "quantity") return formatNumber(order.quantity);
  return String(order[name]);
}

function button(name, values, act) {
  const element = document.createElement("button");
  element.type = "button";
  element.textContent = text(name);
  element.setAttribute("aria-label", text(`${name}Order`, values));
  element.addEventListener("click", act);
  return element;
}
