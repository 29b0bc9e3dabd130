// The operator's page: the state of this replica, its main figures each second, its log's level, and its drain.

const INTERVAL = 1_000;
const POINTS = 120;
const TOKEN = "operator-token";
const SVG = "http://www.w3.org/2000/svg";

const byId = id => document.getElementById(id);

async function call(method, path, body) {
  const headers = { Accept: path === "../metrics" ? "text/plain" : "application/json" };
  const token = sessionStorage.getItem(TOKEN);
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body) headers["Content-Type"] = "application/json";
  const response = await fetch(path, { method, headers, body: body && JSON.stringify(body), cache: "no-store", signal: AbortSignal.timeout(5_000) });
  const text = await response.text();
  if (response.ok) return text;
  let problem = {};
  try {
    problem = JSON.parse(text);
  } catch {
    // Not the service: a proxy, say.
  }
  throw Object.assign(new Error(problem.detail ?? `${response.status} ${response.statusText}`), { status: response.status });
}

/** Prometheus' text format, as far as the figures need it. */
function parse(text) {
  const samples = [];
  for (const line of text.split("\n")) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
    if (!match) continue;
    const labels = Object.fromEntries([...(match[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name, value]));
    samples.push({ name: match[1], labels, value: Number(match[3]) });
  }
  return samples;
}

class Scrape {
  constructor(text) {
    this.time = performance.now() / 1000;
    this.samples = parse(text);
  }

  sum(name, where = () => true) {
    return this.samples.filter(sample => sample.name === name && where(sample.labels)).reduce((sum, sample) => sum + sample.value, 0);
  }

  /** The counts of a histogram by upper bound, over all labels. */
  buckets(name) {
    const counts = new Map();
    for (const { labels, value } of this.samples.filter(sample => sample.name === `${name}_bucket`)) {
      const bound = labels.le === "+Inf" ? Infinity : Number(labels.le);
      counts.set(bound, (counts.get(bound) ?? 0) + value);
    }
    return counts;
  }
}

/** The upper bound of the bucket in which this part of the requests between two scrapes ends, in seconds. */
function quantile(part, now, before) {
  const name = "http_server_request_duration_seconds";
  const [counts, earlier] = [now.buckets(name), before.buckets(name)];
  const between = [...counts].map(([bound, count]) => [bound, count - (earlier.get(bound) ?? 0)]).sort(([one], [other]) => one - other);
  const all = between.at(-1)?.[1] ?? 0;
  if (all === 0) return null;
  return between.find(([, count]) => count >= all * part)[0];
}

const rate = (name, where) => (now, before) => (now.sum(name, where) - before.sum(name, where)) / (now.time - before.time);
const perSecond = value => value.toLocaleString("en", { maximumFractionDigits: value < 10 ? 1 : 0 });
const mebibytes = value => `${(value / 1048576).toFixed(1)} MiB`;
const milliseconds = value => (value === null ? "–" : value === Infinity ? "beyond the last bucket" : `≤ ${(value * 1000).toLocaleString("en")} ms`);

const FIGURES = [
  { name: "Requests per second", value: rate("http_server_responses_total"), show: perSecond },
  { name: "Server errors per second", value: rate("http_server_responses_total", labels => labels.http_response_status_class === "5xx"), show: perSecond },
  { name: "Rejected per second", value: rate("http_server_shed_total"), show: perSecond },
  { name: "Half of the requests take", value: (now, before) => quantile(0.5, now, before), show: milliseconds },
  { name: "99 % of the requests take", value: (now, before) => quantile(0.99, now, before), show: milliseconds },
  { name: "Requests in flight", value: now => now.sum("http_server_active_requests"), limit: now => now.sum("http_server_active_requests_limit"), show: perSecond },
  { name: "Connections of clients", value: now => now.sum("http_server_open_connections"), limit: now => now.sum("http_server_open_connections_limit"), show: perSecond },
  { name: "Database connections in use", value: now => now.sum("db_client_connections_used"), limit: now => now.sum("db_client_connections_limit"), show: perSecond },
  { name: "Work that waits for a connection", value: now => now.sum("db_client_connection_pending_requests"), show: perSecond },
  { name: "Longest gap of the event loop", value: now => now.sum("event_loop_longest_gap_seconds"), show: seconds => `${(seconds * 1000).toFixed(1)} ms` },
  { name: "Bytes held for clients", value: now => now.sum("http_server_held_bytes"), limit: now => now.sum("http_server_held_limit_bytes"), show: mebibytes },
  { name: "Memory of the module", value: now => now.sum("wasm_linear_memory_bytes"), show: mebibytes },
];

function drawFigures() {
  for (const figure of FIGURES) {
    const [section, name, value, picture] = ["section", "h2", "p"].map(tag => document.createElement(tag)).concat(document.createElementNS(SVG, "svg"));
    section.className = "figure";
    name.textContent = figure.name;
    value.textContent = "–";
    picture.setAttribute("viewBox", `0 0 ${POINTS} 100`);
    picture.setAttribute("preserveAspectRatio", "none");
    picture.setAttribute("aria-hidden", "true");
    section.append(name, value, picture);
    byId("figures").append(section);
    Object.assign(figure, { element: value, picture, values: [] });
  }
}

function update(figure, now, before) {
  const value = figure.value(now, before);
  const limit = figure.limit?.(now);
  figure.element.textContent = figure.show(value);
  if (limit) {
    const small = document.createElement("small");
    small.textContent = ` of ${figure.show(limit)}`;
    figure.element.append(small);
  }
  figure.values.push(Number.isFinite(value) ? value : 0);
  if (figure.values.length > POINTS) figure.values.shift();
  const top = Math.max(...figure.values, 1e-9) * 1.15;
  const y = point => 100 - (point / top) * 100;
  const line = document.createElementNS(SVG, "polyline");
  const first = POINTS - figure.values.length;
  line.setAttribute("points", figure.values.map((point, index) => `${first + index},${y(point).toFixed(1)}`).join(" "));
  figure.picture.replaceChildren(line);
}

let last = null;

async function tick() {
  const problem = byId("problem");
  try {
    const scrape = new Scrape(await call("GET", "../metrics"));
    if (last) for (const figure of FIGURES) update(figure, scrape, last);
    const info = scrape.samples.find(sample => sample.name === "build_info")?.labels;
    if (info) document.querySelector("h1").textContent = document.title = `${info.service} ${info.version}, ${info.execution}`;
    last = scrape;
    problem.hidden = true;
  } catch (error) {
    last = null;
    problem.textContent = error.status === 401 || error.status === 403 ? `${error.message} “Token …” takes one.` : `No figures: ${error.message}`;
    problem.hidden = false;
  }
  await showState();
}

async function showState() {
  let [isGood, words] = [true, "Ready"];
  try {
    await call("GET", "../ready");
  } catch (error) {
    [isGood, words] = [false, error.status ? error.message : "The replica does not respond"];
  }
  byId("state").className = isGood ? "good" : "bad";
  const element = byId("state").querySelector(".words");
  if (element.textContent !== words) element.textContent = words;
}

async function showLevel() {
  try {
    byId("level").value = JSON.parse(await call("GET", "../log_level")).level;
  } catch {
    // The figures' message tells why.
  }
}

function tell(error) {
  byId("problem").textContent = error.message;
  byId("problem").hidden = false;
}

byId("level").addEventListener("change", async event => {
  try {
    await call("PUT", "../log_level", { level: event.target.value });
  } catch (error) {
    tell(error);
    showLevel();
  }
});
byId("ask").addEventListener("click", () => byId("token").showModal());
byId("token").addEventListener("close", () => {
  if (byId("token").returnValue === "use") sessionStorage.setItem(TOKEN, byId("value").value.trim());
  byId("value").value = "";
  showLevel();
});
byId("drain").addEventListener("click", () => byId("sure").showModal());
byId("sure").addEventListener("close", async () => {
  if (byId("sure").returnValue !== "drain") return;
  try {
    await call("POST", "../drain");
  } catch (error) {
    tell(error);
  }
});

drawFigures();
showLevel();
for (;;) {
  if (!document.hidden) await tick();
  await new Promise(resolve => setTimeout(resolve, INTERVAL));
}
