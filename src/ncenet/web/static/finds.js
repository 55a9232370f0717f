// What a detector says of an image: boxes that it suggests, and why it asks.

import * as api from "./api.js";
import { imageUrl, make, say, sharpenLoaded } from "./dom.js";
import { summary } from "./geometry.js";
import { outlines } from "./overlay.js";
import { chosenBy, tell, withoutModel } from "./stage.js";

/** Have the model suggest boxes on the canvas. */
export async function suggestBoxes(item, canvas, shown) {
  const reason = await api.why(item.turn.id);
  if (!shown(item)) return; // another image is in front of the person by now
  if (!reason.boxes) tell([make("p", {}, withoutModel(reason, item))]);
  else if (!reason.boxes.length) tell([make("p", {}, "The model finds nothing here that is worth suggesting.")]);
  else {
    canvas.suggest(reason.boxes);
    tell([make("p", {}, `The model suggests ${summary(reason.boxes)}, dashed. `, make("kbd", {}, "a"), " takes all of them over, a click takes one. Enter answers with your own boxes alone.")]);
  }
  if (!reason.boxes?.length) say("No suggestion");
}

/** Put up the boxes that stand on an image, dashed, for whoever asks: nobody sees by themselves what was drawn before. */
export async function showEarlier(item, canvas, shown) {
  const { answer } = await api.said(item.turn.id);
  if (!shown(item)) return;
  if (!answer?.boxes?.length) {
    const words = answer ? "What stands about this image has no boxes." : "Nobody has drawn boxes on this image yet.";
    tell([make("p", {}, words)]);
    return say(words);
  }
  canvas.suggest(answer.boxes);
  tell([make("p", {}, `${answer.who} drew ${summary(answer.boxes)}, dashed. `, make("kbd", {}, "a"), " takes all of them over, a click takes one. Enter answers with your own boxes alone.")]);
  return undefined;
}

/** Say why the image is asked for. */
export async function explainBoxes(item, names, shown) {
  const reason = await api.why(item.turn.id);
  if (!shown(item)) return;
  const chosen = chosenBy(item.turn.asked, true);
  if (!reason.boxes) {
    tell([make("p", {}, withoutModel(reason, item) || chosen)]);
    return;
  }
  const near = reason.near.map(({ image, label, size }) => {
    const boxes = JSON.parse(label);
    const picture = make("span", { className: "near-picture" }, make("img", { onload: sharpenLoaded, src: imageUrl(image, "sheet"), alt: summary(boxes) }));
    if (size) picture.append(outlines(boxes, size, names));
    return make("figure", {}, picture, make("figcaption", {}, summary(boxes)));
  });
  tell([
    make("p", {}, make("strong", {}, chosen || "Asked before"), `. Model ${reason.cycle}, mean over its anchors: rejection ${reason.rejection.toFixed(2)}, confusion ${reason.confusion.toFixed(2)}.`),
    make("p", {}, "Labelled images that look most like it"),
    make("div", { className: "near" }, ...near),
  ]);
}
