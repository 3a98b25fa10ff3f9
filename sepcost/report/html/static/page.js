// Draw every section; redraw the charts when the colours change or the page is printed.
const CHARTS = { compared, promised, changes, steps, shares, intervals, distribution, roofline, frontier };
const CONFIG = { displayModeBar: false, responsive: true };
const PRINT_WIDTH = 680;
const sections = JSON.parse(document.getElementById("data").textContent);
const hosts = [...document.querySelectorAll(".host[data-section]")];
const kindOf = (host) => sections[host.dataset.section].kind;
const charts = hosts.filter((host) => kindOf(host) in CHARTS);

function drawChart(host, more = {}) {
  const { kind, data } = sections[host.dataset.section];
  const made = CHARTS[kind](palette(), data);
  const title = host.parentElement.querySelector("h2, h3").textContent;
  host.setAttribute("role", "img");
  host.setAttribute("aria-label", `Chart: ${title}. Its numbers are in the tables of this page.`);
  return Plotly.react(host, made.traces, { ...made.layout, ...more }, CONFIG).then(() => { host.dataset.drawn = "true"; });
}

// A click on a layer shows it in the first table below the chart.
function follow(host) {
  host.on("plotly_click", (event) => {
    const name = event.points[0]?.customdata;
    const mine = host.closest(".part");
    const table = tables.find((one) => mine.contains(one.host) && host.compareDocumentPosition(one.host) & Node.DOCUMENT_POSITION_FOLLOWING);
    if (typeof name === "string" && table) table.find(name);
  });
}

hosts.filter((host) => kindOf(host) === "table").forEach((host) => drawTable(host, sections[host.dataset.section].data));

const waiting = [...charts];
function next() {
  const host = waiting.shift();
  if (!host) { document.documentElement.dataset.ready = "true"; return; }
  drawChart(host).then(() => follow(host)).finally(() => setTimeout(next));
}
next();

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => charts.forEach((host) => drawChart(host)));
addEventListener("beforeprint", () => {
  document.documentElement.dataset.theme = "light";
  tables.forEach((table) => table.printing(true));
  charts.forEach((host) => drawChart(host, { autosize: false, width: PRINT_WIDTH, height: host.clientHeight }));
});
addEventListener("afterprint", () => {
  delete document.documentElement.dataset.theme;
  tables.forEach((table) => table.printing(false));
  charts.forEach((host) => drawChart(host));
});
