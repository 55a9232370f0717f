// The learning curve: accuracy, or mAP, over labels, each point with its 95 % interval.

import { counted, draw, make, number, percent } from "./dom.js";

const [WIDTH, HEIGHT] = [320, 170];
const PAD = { left: 38, right: 10, top: 10, bottom: 28 };

function niceStep(span) {
  return [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2500, 5000, 10000, 50000, 100000].find((s) => span / s <= 4) ?? 1e6;
}

/** The curve as an element; with fewer than one point, a sentence. */
export function curve(points, heldOut, task) {
  const what = task === "detection" ? "mAP" : "right";
  if (!points.length) {
    return make("p", { className: "faint" }, heldOut.size ? "Appears after the first training." : "There are no held-out images: how good the model is cannot be said.");
  }
  const labels = points.map((p) => p.labeled);
  const [first, last] = [Math.min(...labels), Math.max(...labels)];
  const span = Math.max(1, last - first);
  const low = Math.max(0, Math.floor(10 * Math.min(...points.map((p) => p.low))) / 10);
  const x = (n) => PAD.left + ((n - first + 0.04 * span) / (1.08 * span)) * (WIDTH - PAD.left - PAD.right);
  const y = (a) => PAD.top + ((1 - a) / (1 - low || 1)) * (HEIGHT - PAD.top - PAD.bottom);
  const parts = [];
  for (let tick = Math.ceil(low * 5) / 5; tick <= 1.001; tick += 0.2) {
    parts.push(draw("line", { class: "rule", x1: PAD.left, x2: WIDTH - PAD.right, y1: y(tick), y2: y(tick) }));
    parts.push(draw("text", { class: "tick", x: PAD.left - 6, y: y(tick) + 4, "text-anchor": "end" }, `${Math.round(100 * tick)}`));
  }
  const step = niceStep(span);
  for (let tick = Math.ceil(first / step) * step; tick <= last; tick += step) {
    parts.push(draw("text", { class: "tick", x: x(tick), y: HEIGHT - 10, "text-anchor": "middle" }, number(tick)));
  }
  const above = points.map((p) => `${x(p.labeled)},${y(p.high)}`);
  const below = points.map((p) => `${x(p.labeled)},${y(p.low)}`).reverse();
  if (points.length > 1) parts.push(draw("polygon", { class: "band", points: [...above, ...below].join(" ") }));
  else parts.push(draw("line", { class: "whisker", x1: x(first), x2: x(first), y1: y(points[0].low), y2: y(points[0].high) }));
  parts.push(draw("polyline", { class: "line", points: points.map((p) => `${x(p.labeled)},${y(p.accuracy)}`).join(" ") }));
  for (const p of points) {
    const words = `${counted(p.labeled, "label")}: ${percent(p.accuracy)} (${percent(p.low)} to ${percent(p.high)})`;
    parts.push(draw("circle", { class: "point", cx: x(p.labeled), cy: y(p.accuracy), r: 3.5 }, draw("title", {}, words)));
  }
  const newest = points.at(-1);
  const summary = `${percent(newest.low)} to ${percent(newest.high)} ${what} (95 % interval), ${percent(newest.accuracy)} on ${counted(newest.images, "held-out image")} after ${counted(newest.labeled, "label")}`;
  const svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `Learning curve: ${summary}` }, ...parts);
  return make("div", {},
    make("p", { className: "headline" }, make("strong", {}, `${Math.round(100 * newest.low)} to ${percent(newest.high)}`), make("span", {}, ` ${what}; ${percent(newest.accuracy)} of ${counted(newest.images, "held-out image")}`)),
    svg,
    make("p", { className: "faint axis" }, task === "detection" ? "mAP, % over labelled images; band: 95 %" : "% right over labels; band: 95 % interval"));
}

const points = (share) => `${share < 0 ? "\u2212" : "+"}${Math.abs(100 * share).toFixed(1)}`;

/** What the labels say of the model that learned the others. */
export function leftOut(found) {
  if (!found) return "";
  const { labeled, accuracy, low, high } = found;
  return make("p", { className: "faint", id: "left-out" },
    `Of ${counted(labeled, "label")} themselves, each left out in turn, models name ${percent(accuracy)} right (${percent(low)} to ${percent(high)}). Images that were chosen are harder than others, so this is more often too low than not: a hint and no measure.`);
}

/** Whether choosing is worth it, by as many random labels. */
function choosing({ labeled, images, interval: [low, high] }) {
  const of = `${counted(labeled, "chosen label")} taught a model`;
  const range = `${points(low)} to ${points(high)} points`;
  if (low > 0) return `Choosing pays: ${of} more than as many random ones did (${range} on ${counted(images, "random image")}).`;
  if (high < 0) return `Choosing does not pay here: ${of} less than as many random ones did (${range} on ${counted(images, "random image")}).`;
  return `Whether choosing pays can't be told yet: ${of} as much as random ones did, within what ${counted(images, "image tells", "images tell")} apart (${range}).`;
}

/** What further labels should bring, and what else is known. */
export function advice(state) {
  const lines = [];
  if (state.outlook) {
    const { labels, gain, low, high } = state.outlook;
    lines.push(`The next ${counted(labels, "label")} should bring ${points(gain)} points (${points(low)} to ${points(high)}).`);
    if (high < 0.01) lines.push("Less than one point: this may be the time to stop.");
  } else if (state.curve.length && state.task !== "detection") {
    lines.push(`What further labels should bring can be said after four trainings; this is the ${["first", "second", "third"][state.curve.length - 1] ?? "next"}.`);
  }
  if (state.choosing) lines.push(choosing(state.choosing));
  const [before, now] = state.curve.slice(-2);
  if (now && before.accuracy > now.accuracy && now.high >= before.low) lines.push(`The fall from ${percent(before.accuracy)} to ${percent(now.accuracy)} is within what ${counted(now.images, "image")} can tell apart: no sign of harm.`);
  const { labels: doubted, disputes } = state.doubted;
  const looked = state.task === "detection" ? ["image whose boxes", "images whose boxes"] : ["label that", "labels that"];
  if (doubted.answered) lines.push(`${counted(doubted.answered, ...looked)} looked wrong came up again; ${number(doubted.changed)} of them ${doubted.changed === 1 ? "was" : "were"} changed.`);
  if (disputes.answered) lines.push(`${counted(disputes.answered, "image")} in dispute came up again; of ${number(disputes.changed)} another answer stands now.`);
  if (state.contradictions) lines.push(`${state.contradictions[0].toUpperCase()}${state.contradictions.slice(1)}.`);
  if (state.together) {
    const { labels, checked, interval } = state.together;
    const found = checked ? `${number(checked)} of them asked again one by one: ${percent(interval[0])} to ${percent(interval[1])} wrong` : "a few of them will be asked again one by one";
    lines.push(`${counted(labels, "label")} came from groups; ${found}.`);
  }
  return make("div", { className: "advice" }, ...lines.map((line) => make("p", {}, line)));
}
