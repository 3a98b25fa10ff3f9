// A table to sort, filter, group and page through, by mouse or keyboard.
const PAGE = 100;
const MOST_BARE = 12; // rows without a filter
const MOST_PRINTED = 1000;
const WORDS = new Set(["text", "code", "exact", "status"]);
const tables = [];

function drawTable(host, { columns, rows }) {
  const state = { sort: null, down: false, filter: "", group: null, at: 0, open: new Set(), all: false };
  const words = columns.map((column, at) => (WORDS.has(column.kind) ? at : -1)).filter((at) => at >= 0);
  const search = rows.map((row) => words.map((at) => row[at] ?? "").join("\n").toLowerCase());
  const head = el("tr");
  const body = el("tbody");
  const count = el("span", { class: "count", "aria-live": "polite" });
  const pager = el("div", { class: "pager" });
  const controls = el("div", { class: "controls" });
  const input = el("input", { type: "search", autocomplete: "off", spellcheck: "false" });
  const title = host.parentElement.querySelector("h2, h3").textContent;

  input.addEventListener("input", () => {
    Object.assign(state, { filter: input.value.trim().toLowerCase(), at: 0 });
    draw();
  });
  controls.append(el("label", {}, "Filter", input), ...grouping(), count);
  columns.forEach((column, at) => head.append(heading(column, at)));
  host.replaceChildren(
    ...(rows.length > MOST_BARE ? [controls] : []),
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title },
      el("table", {}, el("thead", {}, head), body)),
    pager,
  );

  function grouping() {
    const choices = columns.map((column, at) => [column, at]).filter(([column]) => column.group);
    if (!choices.length) return [];
    const select = el("select", {}, el("option", { value: "" }, "nothing"),
      ...choices.map(([column, at]) => el("option", { value: at }, column.title)));
    select.addEventListener("change", () => {
      Object.assign(state, { group: select.value === "" ? null : Number(select.value), at: 0 });
      state.open.clear();
      draw();
    });
    return [el("label", {}, "Group by", select)];
  }

  function heading(column, at) {
    const button = el("button", { type: "button", title: column.hint || null }, column.title);
    button.addEventListener("click", () => {
      const first = !WORDS.has(column.kind);
      if (state.sort !== at) Object.assign(state, { sort: at, down: first });
      else if (state.down === first) state.down = !first;
      else state.sort = null;
      state.at = 0;
      draw();
    });
    return el("th", { scope: "col", class: WORDS.has(column.kind) ? "words" : null }, button);
  }

  function order(items, value) {
    if (state.sort === null) return items;
    const sign = state.down ? -1 : 1;
    return [...items].sort((one, two) => {
      const [a, b] = [value(one), value(two)];
      if (a === b) return 0;
      if (a === null || a === undefined) return 1;
      if (b === null || b === undefined) return -1;
      if (typeof a === "number" && typeof b === "number") return sign * (a - b);
      return sign * String(a).localeCompare(String(b), "en", { numeric: true });
    });
  }

  function cell(column, value) {
    const known = value !== null && value !== undefined;
    const number = known && typeof value === "number";
    const text = !known ? "" : number ? FORMATS[column.kind](value) : value;
    const kind = WORDS.has(column.kind) ? `words ${column.kind === "status" ? value : column.kind}` : value === 0 ? "none" : null;
    const hover = number ? String(value) : text.length > 30 ? text : null;
    return el("td", { class: kind, "data-value": number ? value : null, title: hover }, text);
  }

  function line(row, kind) {
    return el("tr", { class: kind }, ...columns.map((column, at) => cell(column, row[at])));
  }

  function groups(found) {
    const byKey = new Map();
    for (const row of found) {
      const key = row[state.group] ?? "";
      if (!byKey.has(key)) byKey.set(key, []);
      byKey.get(key).push(row);
    }
    const made = [...byKey].map(([key, members]) => ({ key, members, sums: columns.map((c, at) => sum(c, at, members)) }));
    const ranked = columns.findIndex((column) => column.total);
    if (state.sort === null && ranked >= 0) return made.sort((a, b) => (b.sums[ranked] ?? 0) - (a.sums[ranked] ?? 0));
    return order(made, (group) => (state.sort === state.group ? group.key : group.sums[state.sort]));
  }

  function sum(column, at, members) {
    if (!column.total) return null;
    const known = members.map((row) => row[at]).filter((value) => typeof value === "number");
    return known.length ? known.reduce((a, b) => a + b, 0) : null;
  }

  function lines(group) {
    const open = state.open.has(group.key);
    const shown = group.key === "" ? "(none)" : String(group.key);
    const button = el("button", { type: "button", "aria-expanded": String(open) }, `${shown} · ${group.members.length}`);
    button.addEventListener("click", () => {
      if (!state.open.delete(group.key)) state.open.add(group.key);
      draw();
      [...body.querySelectorAll(".group button")].find((one) => one.textContent === button.textContent)?.focus();
    });
    const cells = columns.map((column, at) => (at === 0 ? el("td", { class: "words" }, button) : cell(column, group.sums[at])));
    const members = open ? order(group.members, (row) => row[state.sort]) : [];
    return [el("tr", { class: "group" }, ...cells), ...members.slice(0, MOST_PRINTED).map((row) => line(row, "member"))];
  }

  function turn(total) {
    const pages = Math.ceil(total / PAGE);
    const step = (label, by) => {
      const button = el("button", { type: "button" }, label);
      button.disabled = state.at + by < 0 || state.at + by >= pages;
      button.addEventListener("click", () => { state.at += by; draw(); pager.querySelectorAll("button")[by < 0 ? 0 : 1].focus(); });
      return button;
    };
    const shown = `${state.at * PAGE + 1} to ${Math.min(total, (state.at + 1) * PAGE)} of ${total.toLocaleString("en")}`;
    pager.replaceChildren(...(pages > 1 && !state.all ? [step("Previous", -1), step("Next", 1), shown] : []));
  }

  function draw() {
    const kept = rows.filter((_, at) => search[at].includes(state.filter));
    const found = state.group === null ? order(kept, (row) => row[state.sort]) : groups(kept);
    const [from, most] = state.all ? [0, MOST_PRINTED] : [state.at * PAGE, PAGE];
    const shown = found.slice(from, from + most);
    body.replaceChildren(...(state.group === null ? shown.map((row) => line(row)) : shown.flatMap(lines)));
    [...head.children].forEach((one, at) => {
      if (state.sort === at) one.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      else one.removeAttribute("aria-sort");
    });
    const all = `${rows.length.toLocaleString("en")} ${rows.length === 1 ? "row" : "rows"}`;
    count.textContent = kept.length === rows.length ? all : `${kept.length.toLocaleString("en")} of ${all}`;
    turn(found.length);
  }

  draw();
  tables.push({
    host,
    printing(now) { state.all = now; draw(); },
    find(name) {
      input.value = name;
      Object.assign(state, { filter: name.trim().toLowerCase(), at: 0 });
      draw();
      host.parentElement.scrollIntoView({ block: "start" });
    },
  });
}
