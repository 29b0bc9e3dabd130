// A person at the pages, in Debian's Chromium: `node browser.mjs SCENARIO URL [PICTURES]`.
//
// A scenario that needs something done outside of the browser prints `ask WHAT` and waits for a line on standard input.
// Every message of the browser's console that is not expected, and every violation that axe finds, ends it with an error.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const modules = createRequire(`${process.env.BROWSER_TOOLS}/`);
const { chromium } = modules("playwright-core");
const axe = readFileSync(modules.resolve("axe-core/axe.min.js"), "utf8");

const DESK = { width: 1280, height: 800 };
const PHONE = { width: 360, height: 740 };

const [name, url, pictures] = process.argv.slice(2);
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const problems = [];
let browser;

async function ask(what) {
  console.log(`ask ${what}`);
  const { value, done } = await answers.next();
  assert.ok(!done, `no answer to: ${what}`);
  return value;
}

/** A page in a profile of its own. Failed requests are a part of some scenarios: the browser logs each. */
async function open(path, { expectFailures = false, ...options } = {}) {
  const context = await browser.newContext({ viewport: DESK, locale: "en-US", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.on("pageerror", error => problems.push(`error on the page: ${error.stack}`));
  page.on("console", message => {
    const isFailure = message.text().startsWith("Failed to load resource");
    if (["error", "warning"].includes(message.type()) && !(expectFailures && isFailure)) problems.push(`console: ${message.text()}`);
  });
  page.on("request", request => {
    if (!request.url().startsWith(new URL(url).origin) && !request.url().startsWith("data:")) problems.push(`a request elsewhere: ${request.url()}`);
  });
  await page.goto(new URL(path, url).href);
  return page;
}

async function openOrders(options) {
  const page = await open("ui/", options);
  await page.waitForFunction(() => !/…$/.test(document.getElementById("more").textContent));
  return page;
}

async function checkAccessibility(page, what) {
  await page.evaluate(() => Promise.allSettled(document.getAnimations().map(animation => animation.finished)));
  await page.evaluate(axe);
  const violations = await page.evaluate(async () => {
    const { violations } = await window.axe.run();
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(node => node.target.join(" ")).join(", ")}`);
  });
  assert.deepEqual(violations, [], what);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, `${what}: wider than the screen`);
}

async function picture(page, file) {
  if (pictures) await page.screenshot({ path: `${pictures}/${file}.png` });
}

const row = (page, id) => page.locator(`#list [data-id="${id}"]`);
const note = (page, text) => page.locator(".note", { hasText: text });

async function cells(page, id) {
  await row(page, id).waitFor();
  return (await row(page, id).locator("[role=cell]:not(.actions)").allTextContents()).map(cell => cell.trim());
}

async function fill(page, values) {
  for (const [field, value] of Object.entries(values)) await page.fill(`#field-${field}`, value);
}

const ORDER = { product_id: "12", quantity: "2", amount: "56", shipping: "15", tax: "2", shipping_address: "1 Harbour Lane" };

async function create(page, values = {}) {
  await page.click("#new-order");
  await fill(page, { ...ORDER, ...values });
  await page.click("#order button.main");
  await page.waitForSelector("#order", { state: "hidden" });
}

const scenarios = {
  /** The orders by hand: create, change, search, delete, undo. */
  async walkthrough() {
    const page = await openOrders({ expectFailures: true });
    await page.waitForSelector("#health.good");
    await checkAccessibility(page, "no orders");
    await create(page, { amount: "9,999,999,999.99", shipping: "0.01", quantity: "4,294,967,295" });
    await note(page, "Order 1 was saved.").waitFor();
    const first = ["1", "12", "4,294,967,295", "9,999,999,999.99", "0.01", "2.00", "10,000,000,002.00", "1 Harbour Lane"];
    assert.deepEqual(await cells(page, 1), first);
    await create(page, { order_id: "7", shipping_address: "<b>&amp;</b> 漢字 🚢" });
    assert.equal((await cells(page, 7)).at(-1), "<b>&amp;</b> 漢字 🚢");
    assert.equal(await page.textContent("#list-sum"), "2 orders shown, total 10,000,000,075.00");
    await checkAccessibility(page, "orders");

    await row(page, 7).getByRole("button", { name: "Edit order 7" }).click();
    await checkAccessibility(page, "a form");
    await fill(page, { quantity: "3", amount: "56.5" });
    assert.equal(await page.textContent("#order output"), "73.50");
    await page.click("#order button.main");
    await note(page, "Order 7 was changed.").waitFor();
    assert.equal((await cells(page, 7))[6], "73.50");

    await page.fill("#search-id", "1");
    await page.click("text=Find");
    await row(page, 7).waitFor({ state: "detached" });
    assert.deepEqual(await cells(page, 1), first);
    await page.fill("#search-id", "99");
    await page.keyboard.press("Enter");
    await note(page, "This order does not exist any more.").waitFor();
    await page.click("text=Show all");
    await row(page, 7).waitFor();

    await row(page, 7).getByRole("button", { name: "Delete order 7" }).click();
    await row(page, 7).waitFor({ state: "detached" });
    await checkAccessibility(page, "a message");
    await note(page, "Order 7 was deleted.").getByText("Undo").click();
    await note(page, "Order 7 is back.").waitFor();
    assert.equal((await cells(page, 7)).at(-1), "<b>&amp;</b> 漢字 🚢");
    await page.reload();
    await row(page, 7).waitFor();
    assert.equal(await page.textContent("#list-sum"), "2 orders shown, total 10,000,000,075.50");
  },

  /** Wrong input stays in the form, and is marked; the service's own objections too. */
  async wrong_input() {
    const page = await openOrders({ expectFailures: true });
    await create(page, { order_id: "5" });
    await page.click("#new-order");
    await fill(page, { ...ORDER, quantity: "0", amount: "1.234", tax: "1,5", shipping_address: "  " });
    await page.click("#order button.main");
    const marked = () => page.locator("#order [aria-invalid=true]").evaluateAll(inputs => inputs.map(input => input.id.slice(6)));
    assert.deepEqual(await marked(), ["quantity", "amount", "tax", "shipping_address"]);
    assert.equal(await page.evaluate(() => document.activeElement.id), "field-quantity");
    await checkAccessibility(page, "faults");
    await fill(page, { ...ORDER, order_id: "5" });
    await page.click("#order button.main");
    await page.locator("#order .problem", { hasText: "There is an order with this number already." }).waitFor();
    assert.deepEqual(await marked(), ["order_id"]);
    await fill(page, { order_id: "6", shipping_address: "a\u0007b" });
    await page.click("#order button.main");
    await page.locator("#order .problem", { hasText: "Please correct the marked fields." }).waitFor();
    assert.deepEqual(await marked(), ["shipping_address"]);
    await page.keyboard.press("Escape");
    await page.waitForSelector("#order", { state: "hidden" });
    assert.equal(await page.textContent("#list-sum"), "1 order shown, total 73.00");
  },

  /** A repeated click, and a response that is lost, write once. */
  async written_once() {
    const page = await openOrders({ expectFailures: true });
    await page.click("#new-order");
    await fill(page, ORDER);
    await page.dblclick("#order button.main");
    await note(page, "Order 1 was saved.").waitFor();
    let lost = 0;
    await page.route(/\/orders$/, async route => {
      if (route.request().method() !== "POST" || lost > 0) return route.continue();
      lost += 1;
      // The service has written it; the response does not arrive.
      await route.fetch();
      await route.abort();
    });
    await create(page);
    await note(page, "Order 2 was saved.").waitFor();
    assert.equal(lost, 1);
    await page.click("#reload");
    await page.waitForFunction(() => document.getElementById("list-sum").textContent.startsWith("2 orders"));
  },

  /** Two people change one order: the second one chooses for each field. */
  async conflict() {
    const first = await openOrders();
    await create(first);
    const second = await openOrders({ expectFailures: true });
    for (const page of [first, second]) {
      await row(page, 1).getByRole("button", { name: "Edit" }).click();
      await page.waitForSelector("#order[open]");
    }
    await fill(first, { quantity: "7", tax: "3" });
    await first.click("#order button.main");
    await note(first, "Order 1 was changed.").waitFor();
    await fill(second, { quantity: "8", shipping_address: "9 Quay" });
    await second.click("#order button.main");
    await second.waitForSelector("#conflict[open]");
    await checkAccessibility(second, "a conflict");
    await picture(second, "conflict");
    const choices = await second.locator("#conflict fieldset").evaluateAll(sets => sets.map(set => [
      set.querySelector("legend").textContent, ...[...set.querySelectorAll("label")].map(label => (label.querySelector("input").checked ? "* " : "") + label.textContent.trim()),
    ]));
    assert.deepEqual(choices, [
      ["Quantity", "* yours: 8", "saved: 7"],
      ["Tax", "yours: 2.00", "* saved: 3.00"],
      ["Address", "* yours: 9 Quay", "saved: 1 Harbour Lane"],
    ]);
    await second.getByLabel("saved: 7").check();
    await second.click("#conflict button.main");
    await note(second, "Order 1 was changed.").waitFor();
    assert.deepEqual(await cells(second, 1), ["1", "12", "7", "56.00", "15.00", "3.00", "74.00", "9 Quay"]);
  },

  /** Only the keyboard. */
  async keyboard() {
    const page = await openOrders();
    const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.textContent);
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "Skip to the orders");
    for (let presses = 0; (await focused()) !== "new-order"; presses += 1) {
      assert.ok(presses < 12, "the button is not reached");
      await page.keyboard.press("Tab");
    }
    await page.keyboard.press("Enter");
    await page.waitForSelector("#order[open]");
    for (const field of Object.keys(ORDER)) {
      assert.equal(await focused(), `field-${field}`);
      await page.keyboard.type(ORDER[field]);
      await page.keyboard.press("Tab");
    }
    await page.keyboard.press("Enter");
    await note(page, "Order 1 was saved.").waitFor();
    await page.waitForFunction(() => document.activeElement.getAttribute("aria-label") === "Edit order 1");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#order[open]");
    await page.keyboard.press("Escape");
    await page.waitForSelector("#order", { state: "hidden" });
    await page.waitForFunction(() => document.activeElement.getAttribute("aria-label") === "Edit order 1");
  },

  /** German numbers and words, on a phone, in the dark. */
  async phone() {
    const page = await openOrders({ viewport: PHONE, locale: "de-DE", colorScheme: "dark", hasTouch: true });
    await create(page, { amount: "1.234,5" });
    assert.deepEqual(await cells(page, 1), ["1", "12", "2", "1.234,50", "15,00", "2,00", "1.251,50", "1 Harbour Lane"]);
    await checkAccessibility(page, "a phone");
    await picture(page, "phone");
    await page.getByRole("button", { name: "Bestellung 1 ändern" }).click();
    await page.waitForSelector("#order[open]");
    assert.equal(await page.inputValue("#field-amount"), "1234,50");
    await checkAccessibility(page, "a form on a phone");
    await page.keyboard.press("Escape");
    await page.selectOption("#language", "en");
    assert.equal((await cells(page, 1))[6], "1,251.50");
    await page.reload();
    assert.equal(await page.evaluate(() => document.documentElement.lang), "en");
  },

  /** A desk at a zoom of 200 %: half as many CSS pixels. */
  async zoom() {
    const page = await openOrders({ viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 });
    await create(page);
    await checkAccessibility(page, "200 %");
    await row(page, 1).getByRole("button", { name: "Edit" }).click();
    await checkAccessibility(page, "a form at 200 %");
    await page.locator("#order .cancel").scrollIntoViewIfNeeded();
    await page.click("#order .cancel");
  },

  /** The database goes away and comes back. */
  async database_away() {
    const page = await openOrders({ expectFailures: true });
    await create(page);
    await page.waitForSelector("#health.good");
    await ask("away");
    await page.waitForSelector("#health.bad", { timeout: 60_000 });
    assert.match(await page.textContent("#health"), /^The database does not respond\.|^The service is not ready/);
    await page.click("#reload");
    await page.locator(".note.bad").first().waitFor({ timeout: 60_000 });
    await checkAccessibility(page, "no database");
    await picture(page, "no-database");
    await ask("back");
    await page.waitForSelector("#health.good", { timeout: 60_000 });
    await row(page, 1).waitFor({ timeout: 60_000 });
  },

  /** A hundred thousand orders, to the last one. */
  async many_orders() {
    const expected = await ask("orders");
    const page = await openOrders();
    for (let rounds = 0; (await page.textContent("#more")) !== "No more orders."; rounds += 1) {
      assert.ok(rounds < 20_000, "the end is not reached");
      await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
      await page.waitForTimeout(5);
    }
    assert.equal(await page.textContent("#list-sum"), expected);
    const nodes = await page.evaluate(() => document.querySelectorAll("*").length);
    const heap = await page.evaluate(() => performance.memory.usedJSHeapSize / 1048576);
    assert.ok(nodes < 12_000, `${nodes} elements`);
    console.log(`${nodes} elements, ${heap.toFixed(0)} MiB`);
    await page.evaluate(() => scrollTo(0, 0));
    await row(page, 1).waitFor();
    await checkAccessibility(page, "many orders");
  },

  /** A file with orders, some of them faulty. */
  async import_file() {
    const page = await openOrders({ expectFailures: true });
    await create(page, { order_id: "1000" });
    const order = id => ({ order_id: id, product_id: 1, quantity: 1, amount: 1.5, shipping: 1, tax: 0.25, shipping_address: "1 Quay" });
    const orders = Array.from({ length: 1_200 }, (_, index) => order(index + 1));
    orders[3].quantity = 0;
    orders[700].amount = 1.555;
    orders[700].tax = -1;
    orders[1_100] = "no order";
    await page.click("#open-import");
    const choose = (content, file) => page.setInputFiles("#import-file", { name: file, mimeType: "application/json", buffer: Buffer.from(content) });
    await choose("[{", "broken.json");
    await page.locator("#import .problem", { hasText: "The file is not JSON" }).waitFor();
    await choose("{}", "object.json");
    await page.locator("#import .problem", { hasText: "The file has no array of orders." }).waitFor();
    await choose(JSON.stringify(orders), "orders.json");
    await page.click("#import .start");
    await page.locator("#import output", { hasText: "1,196 orders imported, 4 left out." }).waitFor();
    const faults = await page.locator("#import .faults li").allTextContents();
    assert.equal(faults.length, 4, faults.join("\n"));
    assert.match(faults[0], /^Item 4: Quantity: must be/);
    assert.match(faults[1], /^Item 701: Amount: .*; Tax: /);
    assert.match(faults[2], /^Item 1,000: order 1000 exists already$/);
    assert.match(faults[3], /^Item 1,101: not an order$/);
    await checkAccessibility(page, "an import");
    await picture(page, "import");
    await page.click("#import .cancel");
    await row(page, 2).waitFor();
  },

  /** A service that asks for tokens. */
  async token() {
    const tokens = JSON.parse(await ask("tokens"));
    const page = await openOrders({ expectFailures: true });
    await page.waitForSelector("#token[open]");
    await checkAccessibility(page, "a token");
    await page.fill("#token-value", tokens.reader);
    await page.click("#token button.main");
    await page.waitForFunction(() => document.getElementById("more").textContent === "There are no orders yet.");
    await page.click("#new-order");
    await fill(page, ORDER);
    await page.click("#order button.main");
    await page.locator("#order .problem", { hasText: "Your token does not allow this." }).waitFor();
    await page.keyboard.press("Escape");
    await page.click("#open-token");
    await page.fill("#token-value", tokens.writer);
    await page.click("#token button.main");
    await page.waitForSelector("#token", { state: "hidden" });
    await create(page);
    await row(page, 1).waitFor();
    assert.equal(await page.evaluate(() => localStorage.length), 0, "a token stays in its tab");
  },

  /** The API's description. */
  async docs() {
    const page = await open("docs");
    await page.waitForSelector("details");
    const described = await page.evaluate(async () => Object.values((await (await fetch("openapi.json")).json()).paths).flatMap(methods => Object.values(methods).map(operation => operation.operationId)));
    for (const id of described) assert.equal(await page.locator(`main > details[id="${id}"]`).count(), 1, id);
    await checkAccessibility(page, "the description, closed");
    await page.click('nav a[href="#postOrder"]');
    await page.locator("#postOrder h3", { hasText: "Responses" }).waitFor();
    await page.locator("#postOrder summary", { hasText: "409" }).click();
    await page.locator("#postOrder", { hasText: "request-in-progress" }).waitFor();
    await checkAccessibility(page, "the description, open");
    await picture(page, "docs");
    await page.setViewportSize(PHONE);
    await checkAccessibility(page, "the description on a phone");
  },

  /** The operator's page. `url` is that of the operator's listener. */
  async operator() {
    const page = await open("ui/", { expectFailures: true });
    await page.waitForSelector("#state.good");
    await ask("load");
    const value = title => page.locator(".figure", { hasText: title }).locator("p").textContent();
    await page.waitForFunction(() => [...document.querySelectorAll(".figure")].some(figure => figure.textContent.startsWith("Requests per second") && Number.parseFloat(figure.querySelector("p").textContent) > 0));
    assert.match(await value("99 % of the requests take"), /^≤ [\d.]+ ms$/);
    assert.match(await value("Memory of the module"), /MiB$/);
    assert.match(await page.textContent("h1"), /^order-service \d+\.\d+\.\d+, compiled$/);
    await checkAccessibility(page, "the operator's page");
    await picture(page, "operator");
    await page.selectOption("#level", "debug");
    await ask("level");
    await page.setViewportSize(PHONE);
    await checkAccessibility(page, "the operator's page on a phone");
    await page.click("#drain");
    await checkAccessibility(page, "the question before a drain");
    await page.click("#sure button.danger");
    await page.waitForSelector("#state.bad");
  },

  /** Pictures of the main states, for docs/. */
  async pictures() {
    const page = await openOrders();
    await create(page, { amount: "536", shipping: "50", tax: "24", shipping_address: "110 Orchard Row" });
    await create(page, { product_id: "18", quantity: "1", amount: "1,234.56", shipping_address: "22 Ship St" });
    await page.waitForSelector("#health.good");
    await picture(page, "orders");
  },
};

browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--enable-precise-memory-info"] });
try {
  await scenarios[name]();
  assert.deepEqual(problems, []);
} finally {
  await browser.close();
}
process.exit(0);
