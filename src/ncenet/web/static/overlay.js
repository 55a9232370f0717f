// How boxes look: the colour of each class, and boxes on a small picture.

import { draw } from "./dom.js";

// Okabe and Ito's colours (2008), told apart by the colour-blind; those of the pictures in reports.
const COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#F0E442"];
const NONE = "#ffffff";

/** The colour of a class; white for a box that has none yet. */
export function colourOf(label, names) {
  const position = names.indexOf(label);
  return position < 0 ? NONE : COLOURS[position % COLOURS.length];
}

/** Whether writing on this colour is to be dark. */
export function isLight(colour) {
  const [red, green, blue] = [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
  return 0.299 * red + 0.587 * green + 0.114 * blue > 128;
}

/** Boxes over a picture that lies whole in its square, as in the grid; the picture's name tells what they are. */
export function outlines(boxes, [width, height], names) {
  const parts = boxes.flatMap(({ box: [x1, y1, x2, y2], label }) => {
    const place = { x: x1, y: y1, width: x2 - x1, height: y2 - y1 };
    return [draw("rect", { class: "halo", ...place }), draw("rect", { class: "line", stroke: colourOf(label, names), ...place })];
  });
  return draw("svg", { class: "outlines", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "xMidYMid meet", "aria-hidden": "true" }, ...parts);
}
