// Small charts in SVG, each with a description in words.

const SPACE = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT] = [300, 180, 44, 30, 10, 10];

function node(tag, attributes, text) {
  const element = document.createElementNS(SPACE, tag);
  Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
  if (text !== undefined) element.textContent = text;
  return element;
}

function short(value, digits = 2) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size >= 1e5 || size < 1e-3 ? value.toExponential(0) : String(Number(value.toPrecision(size >= 100 ? 3 : digits)));
}

function frame(label, xs, ys, xName, yName) {
  const [x0, x1] = xs, [y0, y1] = ys;
  const x = (value) => LEFT + ((value - x0) / (x1 - x0 || 1)) * (WIDTH - LEFT - RIGHT);
  const y = (value) => HEIGHT - BOTTOM - ((value - y0) / (y1 - y0 || 1)) * (HEIGHT - BOTTOM - TOP);
  const svg = node("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "chart", role: "img", "aria-label": label });
  svg.append(
    node("line", { class: "axis", x1: LEFT, x2: LEFT, y1: TOP, y2: HEIGHT - BOTTOM }),
    node("line", { class: "axis", x1: LEFT, x2: WIDTH - RIGHT, y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM }),
    node("text", { x: (LEFT + WIDTH) / 2, y: HEIGHT - 4, "text-anchor": "middle" }, xName),
    node("text", { x: 10, y: (HEIGHT - BOTTOM) / 2, "text-anchor": "middle", transform: `rotate(-90 10 ${(HEIGHT - BOTTOM) / 2})` }, yName),
  );
  for (const value of [x0, x1]) {
    svg.append(node("text", { x: x(value), y: HEIGHT - 17, "text-anchor": value === x0 ? "start" : "end" }, short(value)));
  }
  const near = Math.abs(y1 - y0) < 0.1 * Math.abs(y1) ? 3 : 2; // digits by which the two ends differ
  for (const value of [y0, y1]) {
    svg.append(node("text", { x: LEFT - 4, y: y(value) + (value === y0 ? 0 : 8), "text-anchor": "end" }, short(value, near)));
  }
  return { svg, x, y };
}

function path(points, x, y, kind) {
  const steps = points.map(([a, b], index) => `${index ? "L" : "M"}${x(a).toFixed(1)} ${y(b).toFixed(1)}`);
  return node("path", { class: kind, d: steps.join("") });
}

/** Standard deviation of the noise over intensity: measured points, and the fitted line. */
export function noiseCurve(noise) {
  const xs = noise.line.map(([a]) => a);
  const highest = Math.max(...noise.line.map(([, b]) => b), ...noise.points.map(([, b]) => b)) || 1;
  const ends = [Math.min(...xs), Math.max(...xs)];
  const words = `Noise over brightness: standard deviation ${short(noise.line[0][1])} at ${short(ends[0])}, ` +
    `${short(noise.line.at(-1)[1])} at ${short(ends[1])}`;
  const { svg, x, y } = frame(words, ends, [0, 1.25 * highest], "brightness", "noise (std. dev.)");
  noise.points.forEach(([a, b]) => svg.append(node("circle", { class: "dot", cx: x(a), cy: y(b), r: 2.6 })));
  svg.append(path(noise.line, x, y, "fit"));
  return svg;
}

/** Correlation of the noise with the noise some pixels away, along rows and columns. */
export function correlation(noise) {
  const lowest = Math.min(-0.2, ...noise.lags_x, ...noise.lags_y);
  const far = noise.lags_x.length - 1;
  const words = `Correlation of neighbours: ${noise.lags_x[1].toFixed(2)} along rows, ${noise.lags_y[1].toFixed(2)} along columns`;
  const { svg, x, y } = frame(words, [0, far], [lowest, 1], "distance in pixels", "correlation");
  svg.append(node("line", { class: "zero", x1: LEFT, x2: WIDTH - RIGHT, y1: y(0), y2: y(0) }));
  [["lags_x", "one", "along rows"], ["lags_y", "two", "along columns"]].forEach(([name, kind, label], index) => {
    svg.append(path(noise[name].map((value, lag) => [lag, value]), x, y, kind));
    noise[name].forEach((value, lag) => svg.append(node("circle", { class: `${kind} dot2`, cx: x(lag), cy: y(value), r: 2.6 })));
    svg.append(node("text", { class: kind, x: WIDTH - RIGHT, y: TOP + 12 + 14 * index, "text-anchor": "end" }, label));
  });
  return svg;
}

/** Loss of a training over its steps. */
export function lossCurve(points, total) {
  const values = points.map(([, value]) => value).sort((a, b) => a - b);
  // The first steps are far above the rest and would flatten it.
  const high = values[Math.floor(0.97 * (values.length - 1))], low = values[0];
  const last = points.at(-1);
  const { svg, x, y } = frame(
    `Loss ${short(last[1])} after ${last[0]} steps`, [0, total || last[0]], [low, high > low ? high : low + 1], "step", "loss",
  );
  svg.append(path(points.map(([a, b]) => [a, Math.min(b, high)]), x, y, "fit"));
  return svg;
}
