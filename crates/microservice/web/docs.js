// Draws the API's description, which the service makes of its tables: openapi.json.

const METHODS = ["get", "post", "put", "delete"];

/** An element with attributes and children; a text is a child too. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter(child => child !== null && child !== undefined));
  return element;
}

/** Markdown as the description has it: paragraphs, lists, `code`, [links](…). */
function markdown(source) {
  const inline = line => line.split(/(`[^`]+`|\[[^\]]+\]\([^)]+\))/).map(part => {
    if (part.startsWith("`")) return make("code", {}, part.slice(1, -1));
    const link = /^\[([^\]]+)\]\(([^)]+)\)$/.exec(part);
    return link ? make("a", { href: link[2], rel: "noreferrer" }, link[1]) : part;
  });
  return source.split(/\n\n+/).map(paragraph => {
    const lines = paragraph.split("\n");
    if (!lines.every(line => line.startsWith("- "))) return make("p", {}, ...inline(lines.join(" ")));
    return make("ul", {}, ...lines.map(line => make("li", {}, ...inline(line.slice(2)))));
  });
}

const code = value => make("pre", { tabindex: "0" }, make("code", {}, typeof value === "string" ? value : JSON.stringify(value, null, 2)));

function table(head, rows) {
  const header = make("tr", {}, ...head.map(name => make("th", { scope: "col" }, name)));
  const body = rows.map(cells => make("tr", {}, ...cells.map(cell => make("td", {}, ...[cell].flat()))));
  return make("div", { class: "wide", tabindex: "0", role: "group", "aria-label": head.join(", ") },
    make("table", {}, make("thead", {}, header), make("tbody", {}, ...body)));
}

class Description {
  constructor(document) {
    this.document = document;
  }

  /** What a reference stands for. */
  resolve(value) {
    if (!value?.$ref) return value;
    return value.$ref.slice(2).split("/").reduce((part, name) => part[name.replaceAll("~1", "/").replaceAll("~0", "~")], this.document);
  }

  /** All calls, by tag. */
  calls() {
    const calls = [];
    for (const [path, methods] of Object.entries(this.document.paths)) {
      for (const method of METHODS) if (methods[method]) calls.push({ path, method, operation: methods[method] });
    }
    return this.document.tags.map(tag => ({ tag, calls: calls.filter(call => call.operation.tags.includes(tag.name)) }));
  }

  /** A schema in a few words, with a link to its name. */
  type(schema) {
    if (schema?.$ref) {
      const name = schema.$ref.split("/").pop();
      return make("a", { href: `#schema-${name}` }, name);
    }
    if (schema?.type === "array") return make("span", {}, "array of ", this.type(schema.items ?? {}));
    const bounds = ["const", "minimum", "maximum", "pattern", "format"].filter(name => schema?.[name] !== undefined);
    return make("span", {}, [schema?.type ?? "any", ...bounds.map(name => `${name} ${schema[name]}`)].join(", "));
  }

  call({ path, method, operation }) {
    const id = operation.operationId;
    const summary = make("summary", {}, make("span", { class: `method ${method}` }, method.toUpperCase()), " ", make("code", {}, path), " ", make("span", { class: "words" }, operation.summary));
    const scopes = (operation.security ?? []).flatMap(need => Object.values(need).flat());
    return make("details", { id }, summary,
      ...(operation.description ? markdown(operation.description) : []),
      scopes.length > 0 ? make("p", {}, "Needs a token with the scope ", make("code", {}, scopes.join(", ")), ".") : null,
      ...this.parameters(operation.parameters ?? []),
      ...this.body(operation.requestBody),
      ...this.responses(operation.responses));
  }

  parameters(parameters) {
    if (parameters.length === 0) return [];
    const rows = parameters.map(parameter => this.resolve(parameter)).map(({ name, in: place, required, description, schema, example }) =>
      [make("code", {}, name), place, required ? "yes" : "no", [...markdown(description ?? ""), this.type(schema)], make("code", {}, String(example ?? ""))]);
    return [make("h3", {}, "Parameters"), table(["name", "in", "needed", "meaning", "example"], rows)];
  }

  body(body) {
    if (!body) return [];
    const contents = Object.entries(body.content).flatMap(([type, content]) => this.content(type, content));
    return [make("h3", {}, "Body"), ...markdown(body.description ?? ""), ...contents];
  }

  content(type, { schema, examples }) {
    const shown = Object.values(examples ?? {}).map(example => this.resolve(example)).slice(0, 1);
    return [make("p", {}, make("code", {}, type), " ", this.type(schema)), ...shown.map(example => code(example.value))];
  }

  responses(responses) {
    const elements = Object.entries(responses).map(([status, reference]) => {
      const response = this.resolve(reference);
      const headers = Object.entries(response.headers ?? {}).map(([name, header]) => [name, this.resolve(header)]);
      const isError = Number(status) >= 400;
      return make("details", { class: isError ? "bad" : "good" },
        make("summary", {}, make("strong", {}, status), " ", make("span", { class: "words" }, isError ? this.slugs(response).join(", ") : response.description)),
        ...(isError ? markdown(response.description) : []),
        ...Object.entries(response.content ?? {}).flatMap(([type, content]) => this.content(type, content)),
        headers.length > 0 ? table(["header", "meaning", "example"], headers.map(([name, header]) =>
          [make("code", {}, name), markdown(header.description ?? ""), make("code", {}, String(header.example ?? ""))])) : null);
    });
    return [make("h3", {}, "Responses"), ...elements];
  }

  slugs(response) {
    return (response["x-problem-types"] ?? []).map(type => type.split(":").pop());
  }

  schemas() {
    const all = Object.entries(this.document.components.schemas ?? {});
    return all.map(([name, schema]) => make("details", { id: `schema-${name}` }, make("summary", {}, make("code", {}, name)), code(schema)));
  }
}

/** Opens what the address names. */
function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (let element = target; element; element = element.parentElement) if (element.tagName === "DETAILS") element.open = true;
  target.scrollIntoView();
  target.querySelector("summary")?.focus();
}

async function show() {
  const main = document.querySelector("main");
  try {
    const response = await fetch("openapi.json");
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
    const description = new Description(await response.json());
    const { info } = description.document;
    document.title = `${info.title} ${info.version}`;
    document.querySelector("h1").textContent = document.title;
    const groups = description.calls();
    document.querySelector("nav").append(...groups.flatMap(({ tag, calls }) => [
      make("h2", {}, tag.name),
      make("ul", {}, ...calls.map(({ path, method, operation }) => make("li", {}, make("a", { href: `#${operation.operationId}` }, make("span", { class: `method ${method}` }, method.toUpperCase()), ` ${path}`)))),
    ]));
    main.replaceChildren(...markdown(info.description), ...groups.flatMap(({ tag, calls }) => [
      make("h2", {}, tag.name), ...markdown(tag.description ?? ""), ...calls.map(call => description.call(call)),
    ]), make("h2", {}, "Types"), ...description.schemas());
    openTarget();
  } catch (error) {
    main.replaceChildren(make("p", { role: "alert" }, `The description cannot be read: ${error.message}`));
  }
}

addEventListener("hashchange", openTarget);
show();
