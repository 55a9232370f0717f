// The images nearest to one, labelled or not.

import * as api from "./api.js";
import { imageUrl, make, sharpenLoaded } from "./dom.js";
import { tell } from "./stage.js";

/** Show them below the image. */
export async function showNear(item) {
  const { images } = await api.near(item.turn.id);
  if (!images.length) {
    tell([make("p", {}, "No model has compared this image with others yet, or it measures the model.")]);
    return;
  }
  const figures = images.map(({ hash, label, cosine }) =>
    make("figure", {}, make("img", { onload: sharpenLoaded, src: imageUrl(hash, "sheet"), alt: label ?? "no label" }), make("figcaption", {}, label ?? "no label", make("span", { className: "faint" }, ` ${cosine.toFixed(2)}`))));
  tell([make("p", {}, "Nearest images"), make("div", { className: "near many" }, ...figures)]);
}
