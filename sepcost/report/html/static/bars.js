// Charts with one position per layer.
function compared(colours, { names, before, after }) {
  const at = names.map((_, place) => place);
  const say = (place) => hover([names[place], `regular ${human(before[place])} MACs`, `separable ${human(after[place])} MACs`,
    ...(after[place] ? [`${times(before[place] / after[place])} fewer`] : [])]);
  const bar = (name, y, color, width) => ({
    type: "bar", name, x: at, y, width, marker: { color }, hoverinfo: "text", hovertext: at.map(say), customdata: names,
  });
  const y = { ...ticks([...before, ...after], human), title: "MACs" };
  return {
    traces: [bar("regular", before, colours.before, 0.78), bar("separable", after, colours.after, 0.44)],
    layout: layout(colours, along(names), y, { barmode: "overlay" }),
  };
}

function promised(colours, { names, promised: said, measured }) {
  const at = names.map((_, place) => place);
  const say = (place) => hover([names[place], `${times(said[place])} fewer MACs`, `${times(measured[place])} as fast`]);
  const gaps = at.flatMap((place) => [place, place, null]);
  const ends = at.flatMap((place) => [said[place], measured[place], null]);
  const dots = (name, y, marker) => ({
    type: "scatter", mode: "markers", name, x: at, y, marker, hoverinfo: "text", hovertext: at.map(say), customdata: names,
  });
  const steps = [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16, 32, 64, 128];
  const y = { type: "log", tickvals: steps, ticktext: steps.map((one) => `${one < 1 ? `1/${1 / one}` : one}×`), title: "reduction" };
  const even = { type: "line", xref: "paper", x0: 0, x1: 1, y0: 1, y1: 1, line: { color: colours.soft, width: 1, dash: "dot" } };
  return {
    traces: [
      { type: "scatter", mode: "lines", x: gaps, y: ends, line: { color: colours.before, width: 2 }, hoverinfo: "skip", showlegend: false },
      dots("MACs", said, { size: 9, color: colours.card, line: { color: colours.soft, width: 2 } }),
      dots("measured time", measured, { size: 10, color: colours.measured }),
    ],
    layout: layout(colours, along(names), y, { shapes: [even] }),
  };
}

function changes(colours, { names, values }) {
  const at = names.map((_, place) => place);
  const most = ticks(values.map(Math.abs), human);
  const both = [...(most.tickvals ?? []).slice(1).map((value) => -value).reverse(), ...(most.tickvals ?? [])];
  const y = { tickvals: both, ticktext: both.map((value) => (value ? brief(signed(value)) : "0")), title: "MACs", zeroline: true };
  return {
    traces: [{
      type: "bar", x: at, y: values, customdata: names, hoverinfo: "text", hovertext: at.map((place) => hover([names[place], `${signed(values[place])} MACs`])),
      marker: { color: values.map((value) => (value > 0 ? colours.measured : colours.after)) },
    }],
    layout: layout(colours, along(names), y, { showlegend: false, bargap: 0.35 }),
  };
}

function steps(colours, { names, values }) {
  const at = names.map((_, place) => place);
  const top = values.indexOf(Math.max(...values));
  const note = {
    x: top, y: values[top], text: `peak ${human(values[top], "B")}`, showarrow: false, yshift: 12, font: { color: colours.ink, size: 12 },
    xanchor: top < names.length * 0.15 ? "left" : top > names.length * 0.85 ? "right" : "center",
  };
  const x = { showticklabels: false, showgrid: false, title: "layers, in order of execution", range: [-0.5, names.length - 0.5] };
  const y = ticks(values, (value) => human(value, "B"));
  if (y.range) y.range[1] *= 1.06;
  return {
    traces: [{
      type: "scatter", mode: "lines", x: at, y: values, line: { color: colours.after, width: 1.5, shape: "hvh" }, fill: "tozeroy",
      fillcolor: `${colours.after}22`, customdata: names,
      hoverinfo: "text", hovertext: names.map((name, place) => hover([name, human(values[place], "B")])),
    }],
    layout: layout(colours, x, { ...y, title: "live bytes" }, { showlegend: false, annotations: [note] }),
  };
}

function shares(colours, { names, shares: used, status }) {
  const at = names.map((_, place) => place);
  const tone = { ok: colours.after, warn: colours.warn, fail: colours.bad, unknown: colours.before };
  const limit = { type: "line", yref: "paper", y0: 0, y1: 1, x0: 1, x1: 1, line: { color: colours.ink, width: 1.5, dash: "dot" } };
  const x = { tickformat: ".0%", range: [0, Math.max(1.1, Math.min(4, Math.max(...used) * 1.05))], title: "share of the limit" };
  const y = { tickvals: at, ticktext: names.map((name) => literal(shorten(name, 40))), autorange: "reversed", showgrid: false };
  return {
    traces: [{
      type: "bar", orientation: "h", x: used, y: at, customdata: names, width: 0.6, marker: { color: status.map((one) => tone[one]) },
      hoverinfo: "text", hovertext: at.map((place) => hover([names[place], `${percent(used[place])} of the limit: ${status[place]}`])),
    }],
    layout: layout(colours, x, y, { showlegend: false, shapes: [limit], margin: { l: 64, r: 16, t: 12, b: 48 } }),
  };
}
