// Beside the image: how far the work has come.

import { advice, curve, leftOut } from "./curve.js";
import { $, counted, make, number, percent } from "./dom.js";

function bar(name, done, size, note = "") {
  const label = make("div", { className: "bar-label" }, make("span", {}, name), make("span", {}, note || `${number(done)} of ${number(size)}`));
  return make("div", { className: "progress" }, label, make("progress", { max: Math.max(1, size), value: Math.min(done, size), "aria-label": name }));
}

function training({ phase, done, cycle, why }, labeled) {
  switch (phase) {
    case "starting": return labeled ? bar("The model", 0, 1, "starting") : bar("Looking at the images", 0, 1, "for the first batch");
    case "training": return bar(`Training model ${cycle}`, done, 1, percent(done));
    case "guessing": return bar("A first guess", 1, 1, "provisional");
    case "scoring": return bar("Looking at the images", 1, 1, cycle ? `model ${cycle}` : "");
    case "failed": return make("p", { className: "trouble", role: "alert" }, `Training failed, labelling goes on: ${why}`);
    default: return "";
  }
}

/** Show the state of the run. */
export function showPanel(state, who) {
  const { batch, heldOut } = state;
  const parts = [];
  if (heldOut.answered < heldOut.size) {
    parts.push(bar("Held-out images", heldOut.answered, heldOut.size));
    parts.push(make("p", { className: "faint" }, "They measure every model and train none: without them nobody can say how good it is. A few come first, the others in between."));
  }
  if (heldOut.copies) parts.push(make("p", { className: "faint" }, `${number(heldOut.copies)} image${heldOut.copies === 1 ? " looks" : "s look"} like a held-out one; no model learns ${heldOut.copies === 1 ? "it" : "them"}, and none is asked for.`));
  const more = batch.answered - batch.size; // answered while the model trains
  parts.push(bar(batch.cycle ? `Batch ${batch.cycle + 1}` : "First batch", batch.answered, batch.size, more > 0 ? `${number(batch.size)} and ${number(more)} more` : ""));
  if (state.embedding) parts.push(bar("Looking at the photographs", state.embedding.done, state.embedding.total));
  parts.push(training(state.training, state.labeled));
  parts.push(make("p", { className: "faint" }, `${number(state.answered)} of ${counted(state.images, "image")} answered`));
  for (const why of state.damaged) parts.push(make("p", { className: "trouble", role: "alert" }, `A damaged record is left out: ${why}`));
  $("progress").replaceChildren(...parts.filter(Boolean));

  $("curve").replaceChildren(curve(state.curve, heldOut, state.task), leftOut(state.leftOut));
  $("advice").replaceChildren(advice(state));

  const most = Math.max(1, ...Object.values(state.counts));
  const detection = state.task === "detection";
  $("metric").textContent = `${detection ? "mAP" : "Accuracy"} on held-out images`;
  const rows = state.classes.map((name) =>
    make("div", { className: "share" }, make("span", {}, name), make("meter", { max: most, value: state.counts[name], "aria-label": name }), make("span", {}, number(state.counts[name]))));
  const closed = [[state.empty, "without objects"], [state.skipped, "skipped"], [state.unsure, "unsure"]].filter(([n]) => n).map(([n, word]) => `${number(n)} ${word}`);
  $("counts").replaceChildren(make("div", { className: "shares" }, ...rows), make("p", { className: "faint" }, closed.join(", ")));

  const people = state.annotators.map(({ who: name, answers, seconds }) =>
    make("div", { className: "share person" }, make("span", {}, name === who ? `${name} (you)` : name), make("span", {}, number(answers)), make("span", {}, seconds === null ? "" : `${seconds.toFixed(1)} s each`)));
  const dispute = state.disputed ? make("button", { type: "button", id: "open-disputed", className: "link-button" }, `${number(state.disputed)} image${state.disputed === 1 ? "" : "s"} in dispute`) : "";
  $("people").replaceChildren(make("div", { className: "shares" }, ...people), dispute);
  $("people-section").hidden = !state.annotators.length;
}
