// Charts of measurements: intervals, distributions, the roofline and the frontier.
const SERIES = ["after", "measured", "soft", "warn", "bad", "before"];

function intervals(colours, { rows }) {
  const at = rows.map((_, place) => place);
  const known = rows.map(([, estimate, low, high]) => [low ?? estimate, high ?? estimate]);
  const top = known.flat();
  const y = { tickvals: at, ticktext: rows.map(([name]) => literal(shorten(name, 32))), range: [rows.length - 0.4, -0.6], showgrid: false };
  const say = rows.map(([name, estimate], place) => hover([name, duration(estimate), `95%: ${known[place].map(duration).join(" to ")}`]));
  return {
    traces: [{
      type: "scatter", mode: "markers", x: rows.map((row) => row[1]), y: at, marker: { size: 10, color: colours.after }, hoverinfo: "text", hovertext: say, customdata: rows.map((row) => row[0]),
      error_x: {
        type: "data", symmetric: false, color: colours.after, thickness: 2, width: 7,
        array: rows.map((row, place) => known[place][1] - row[1]), arrayminus: rows.map((row, place) => row[1] - known[place][0]),
      },
    }],
    layout: layout(colours, ticks(top, duration), y, { showlegend: false, margin: { l: 64, r: 16, t: 8, b: 40 } }),
  };
}

function distribution(colours, { series }) {
  const quantile = (one, share) => one.ns[Math.floor((one.ns.length - 1) * share)];
  const low = Math.min(...series.map((one) => one.ns[0]));
  const high = Math.max(...series.map((one) => Math.min(quantile(one, 0.99), 3 * quantile(one, 0.5))));
  const room = (high - low) * 0.05 || high * 0.05;
  const at = spread(low, high);
  const x = { range: [low - room, high + room], tickvals: at, ticktext: at.map((ns) => brief(duration(ns))), title: "latency" };
  return {
    traces: series.map((one, place) => ({
      type: "scatter", mode: "lines", name: literal(shorten(one.name, 40)), x: one.ns, y: one.ns.map((_, k) => k / (one.ns.length - 1)),
      line: { color: colours[SERIES[place % SERIES.length]], width: 2, dash: place < SERIES.length ? "solid" : "dash" },
      hoverinfo: "text", hovertext: one.ns.map((ns, k) => hover([one.name, `${percent(k / (one.ns.length - 1))} within ${duration(ns)}`])),
    })),
    layout: layout(colours, x, { tickformat: ".0%", range: [0, 1.02], title: "share of runs" }, { showlegend: series.length > 1 }),
  };
}

function spread(low, high, count = 6) {
  const rough = (high - low) / count;
  if (!(rough > 0)) return [low];
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * size).find((one) => one >= rough);
  const first = Math.ceil(low / step) * step;
  return Array.from({ length: Math.floor((high - first) / step) + 1 }, (_, k) => first + k * step);
}

const rate = (value) => `${human(value)}FLOP/s`;

function roofline(colours, { points, flops, bytes }) {
  const xs = points.map((point) => point[0]);
  const ridge = flops && bytes ? flops / bytes : null;
  const [left, right] = [Math.min(...xs, ridge ?? Infinity) / 2.5, Math.max(...xs, ridge ?? 0) * 2.5];
  const traces = [];
  if (ridge) {
    traces.push({
      type: "scatter", mode: "lines", name: `limits of the machine: ${human(bytes, "B")}/s and ${rate(flops)}`, hoverinfo: "skip",
      x: [left, ridge, right], y: [left * bytes, flops, flops], line: { color: colours.soft, width: 2 },
    });
  }
  traces.push({
    type: "scatter", mode: "markers", name: "kernels, sized by their time", x: xs, y: points.map((point) => point[1]),
    marker: {
      color: colours.after, opacity: 0.72, line: { width: 1, color: colours.card }, size: points.map((point) => 6 + 26 * Math.sqrt(Math.min(1, point[4]))),
    },
    customdata: points.map((point) => point[2]),
    hoverinfo: "text", hovertext: points.map(([x, y, name, ns, share]) => hover([name, `${duration(ns)}, ${percent(share)} of the latency`, `${plain(x)} FLOPs per byte, ${rate(y)}`])),
  });
  const ys = [...points.map((point) => point[1]), ...(ridge ? [flops] : [])];
  const y = { type: "log", ...decades(Math.min(...ys) / 2, Math.max(...ys) * 2, rate) };
  return { traces, layout: layout(colours, { type: "log", ...decades(left, right, plain), title: "FLOPs per byte" }, { ...y, title: "FLOPs per second" }) };
}

function decades(low, high, write) {
  const [from, to] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const within = to - from > 3 ? [1] : [1, 2, 5];
  const at = Array.from({ length: to - from + 1 }, (_, k) => within.map((one) => one * 10 ** (from + k))).flat();
  return { tickvals: at, ticktext: at.map((value) => brief(write(value))), range: [Math.log10(low), Math.log10(high)] };
}

function frontier(colours, { axis: by, points, chosen }) {
  const write = by === "ns" ? duration : human;
  const say = ([cost, lost, layers]) => hover([`${layers} ${layers === 1 ? "layer" : "layers"} converted`, `${write(cost)}${by === "ns" ? "" : " MACs"}, error ${error(lost)}`]);
  const every = [...points, ...(chosen ? [chosen] : [])];
  const best = points.filter((one, at) => points.slice(0, at).every((other) => other[1] > one[1]));
  const traces = [{
    type: "scatter", mode: "lines", name: "frontier", x: best.map((one) => one[0]), y: best.map((one) => one[1]), hoverinfo: "skip",
    line: { color: colours.before, width: 2, shape: "hv" },
  }, {
    type: "scatter", mode: "markers", name: "measured plans", x: points.map((one) => one[0]), y: points.map((one) => one[1]),
    marker: { size: 9, color: colours.after }, cliponaxis: false, hoverinfo: "text", hovertext: points.map(say),
  }];
  if (chosen) {
    traces.push({
      type: "scatter", mode: "markers", name: "chosen plan", x: [chosen[0]], y: [chosen[1]], hoverinfo: "text", hovertext: [say(chosen)],
      marker: { symbol: "diamond", size: 15, color: colours.measured, line: { color: colours.card, width: 2 } },
    });
  }
  const x = { ...ticks(every.map((one) => one[0]), write), title: by === "ns" ? "latency" : "MACs" };
  const high = Math.max(...every.map((one) => one[1]));
  return { traces, layout: layout(colours, x, { tickformat: high < 0.05 ? ".1%" : ".0%", rangemode: "tozero", title: "output error" }) };
}
