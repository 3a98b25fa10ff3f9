// Numbers for people, written as in the other reports.
const PREFIXES = ["", "k", "M", "G", "T", "P", "E", "Z", "Y"];
const TIMES = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]];

function human(value, unit = "") {
  if (value < 0) return `-${human(-value, unit)}`;
  if (value < 1000) return `${Number.isInteger(value) ? value : value.toFixed(1)} ${unit}`.trimEnd();
  let step = 0;
  while (value >= 999.95 && step < PREFIXES.length - 1) { value /= 1000; step += 1; }
  return `${value.toFixed(value < 9.995 ? 2 : 1)} ${PREFIXES[step]}${unit}`;
}

const threeDigits = (value) => value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0);

function duration(ns) {
  if (!ns) return "0";
  const [size, unit] = TIMES.find(([one]) => ns >= one) ?? TIMES[3];
  return `${threeDigits(ns / size)} ${unit}`;
}

const times = (factor) => `${factor.toFixed(factor < 9.995 ? 2 : 1)}×`;

function percent(share) {
  if (share >= 0.9995 && share < 1.0005) return "100%";
  return share >= 0.0005 || share <= 0 ? `${(100 * share).toFixed(1)}%` : "<0.1%";
}

function error(value) {
  if (value >= 0.0005 || !value) return `${(100 * value).toFixed(2)}%`;
  return value.toExponential(0).replace(/e-(\d)$/, "e-0$1");
}

function plain(value) {
  if (Number.isInteger(value)) return value.toLocaleString("en");
  const size = Math.abs(value);
  return size >= 0.001 && size < 1e6 ? String(Number(value.toPrecision(4))) : value.toPrecision(3);
}

const signed = (value) => (value > 0 ? `+${human(value)}` : human(value));

const FORMATS = {
  count: human,
  bytes: (value) => human(value, "B"),
  ns: duration,
  times,
  percent,
  error,
  number: plain,
  whole: plain,
  change: signed,
};
