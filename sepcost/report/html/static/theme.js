// The look of all charts: the colours of the page, no decoration.
const FEW = 24; // most layers that are named along an axis
const LEAST = 6; // positions, so that few bars are not too wide

function palette() {
  const style = getComputedStyle(document.documentElement);
  const names = ["card", "ink", "soft", "line", "before", "after", "measured", "good", "bad", "warn"];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

function axis(colours, more = {}) {
  return {
    gridcolor: colours.line, linecolor: colours.line, zerolinecolor: colours.line, zeroline: false,
    tickcolor: colours.line, automargin: true, ...more,
    title: { text: more.title ?? "", standoff: 12, font: { size: 12, color: colours.soft } },
    tickfont: { size: 12, color: colours.soft },
  };
}

function layout(colours, x, y, more = {}) {
  return {
    autosize: true, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: colours.ink },
    margin: { l: 64, r: 16, t: 36, b: 48 }, hovermode: "closest",
    hoverlabel: { bgcolor: colours.card, bordercolor: colours.line, font: { color: colours.ink, size: 13 }, align: "left" },
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: { color: colours.soft, size: 12 }, bgcolor: "rgba(0,0,0,0)" },
    xaxis: axis(colours, x), yaxis: axis(colours, y), ...more,
  };
}

// Layers along the x axis: by name if there is room, else by position.
function along(names, more = {}) {
  const at = names.map((_, place) => place);
  const room = Math.max(0, LEAST - names.length) / 2;
  const range = [-0.6 - room, names.length - 0.4 + room];
  if (names.length > FEW) return { range, showticklabels: false, showgrid: false, title: "layers, in order of execution", ...more };
  const text = names.map((name) => literal(shorten(name, 22)));
  return { range, tickvals: at, ticktext: text, tickangle: names.length > 6 ? -40 : 0, showgrid: false, ...more };
}

// Ticks of an axis of times, bytes or counts, formatted as on the rest of the page.
function ticks(values, write, count = 5) {
  const top = Math.max(...values, 0);
  if (!(top > 0)) return {};
  const rough = top / count;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * size).find((one) => one >= rough);
  const at = Array.from({ length: Math.floor(top * 1.08 / step) + 1 }, (_, k) => k * step);
  return { tickvals: at, ticktext: at.map((value) => (value ? brief(write(value)) : "0")), range: [0, top * 1.08] };
}

const brief = (text) => text.replace(/(\.\d*?)0+(?=\D|$)/, "$1").replace(/\.(?=\D|$)/, "");
const hover = (lines) => lines.map(literal).join("<br>");
