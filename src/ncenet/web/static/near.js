// The images nearest to one, labelled or not.

import * as api from "./api.js";
import { $, imageUrl, make, sharpenLoaded } from "./dom.js";
import { tell } from "./stage.js";

const NONE = "No model has compared this image with others yet, or it measures the model.";

function figure({ id, hash, label, cosine }) {
  const picture = make("img", { onload: sharpenLoaded, src: imageUrl(hash, "sheet"), alt: label ?? "no label" });
  const open = make("button", { type: "button", className: "near-one", title: `Nearest to ${id}`, onclick: () => openNear({ id, hash, label }) }, picture);
  return make("figure", {}, open, make("figcaption", {}, label ?? "no label", make("span", { className: "faint" }, ` ${cosine.toFixed(2)}`)));
}

let asked = 0; // so often that a window of nearest images was asked for

/** Show them below the image, if that is still in front of the person. */
export async function showNear(item, shown) {
  const { images } = await api.near(item.turn.id);
  if (!shown(item)) return;
  tell(images.length ? [make("p", {}, "Nearest images"), make("div", { className: "near many" }, ...images.map(figure))] : [make("p", {}, NONE)]);
}

/** Show an image and its nearest in a window of their own; from there on to the nearest of those. */
export async function openNear({ id, hash, label }) {
  const dialog = $("near-dialog");
  const [number, within] = [++asked, dialog.open];
  const { images } = await api.near(id);
  // Another one was asked for meanwhile, or the window was closed: it doesn't open again by itself.
  if (number !== asked || (within && !dialog.open)) return;
  const close = make("button", { type: "button", className: "primary", onclick: () => dialog.close() }, "Close ", make("kbd", {}, "Esc"));
  dialog.replaceChildren(
    make("h2", { id: "near-title" }, "Nearest images"),
    make("figure", { className: "near-middle" }, make("img", { onload: sharpenLoaded, src: imageUrl(hash), alt: label ?? "no label" }), make("figcaption", {}, `${id}${label ? `: ${label}` : ""}`)),
    images.length ? make("div", { className: "near many" }, ...images.map(figure)) : make("p", {}, NONE),
    make("menu", {}, close));
  if (!dialog.open) dialog.showModal();
}
