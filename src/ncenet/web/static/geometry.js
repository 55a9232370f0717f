// Boxes as [x1, y1, x2, y2] in pixels of the original image, counted from 0 at its left and upper edge. Pure:
// no page, no pointer. Edges that a person draws lie between whole pixels; those of boxes from elsewhere stay
// what they are until somebody drags them. `size` is [width, height] of the image.

/** Which edges each handle drags: of 0 to 3 those in x and in y, null for neither. */
export const HANDLES = {
  nw: [0, 1], n: [null, 1], ne: [2, 1], e: [2, null],
  se: [2, 3], s: [null, 3], sw: [0, 3], w: [0, null],
};
export const LEAST = 1; // a box is at least a pixel wide and high

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const tidy = (edge) => Math.round(edge * 100) / 100; // sums of fractions leave dust behind

/** The box between two points, whichever way it was drawn; null when nothing of it lies in the image. */
export function between([ax, ay], [bx, by], [width, height]) {
  const x = [ax, bx].map((edge) => clamp(Math.round(edge), 0, width)).sort((a, b) => a - b);
  const y = [ay, by].map((edge) => clamp(Math.round(edge), 0, height)).sort((a, b) => a - b);
  return x[0] < x[1] && y[0] < y[1] ? [x[0], y[0], x[1], y[1]] : null;
}

/** What of a box lies in the image; null when nothing does. */
export function within([x1, y1, x2, y2], [width, height]) {
  const box = [clamp(x1, 0, width), clamp(y1, 0, height), clamp(x2, 0, width), clamp(y2, 0, height)];
  return box[0] < box[2] && box[1] < box[3] ? box : null;
}

/** A box elsewhere, of the same size, within the image. */
export function moved([x1, y1, x2, y2], dx, dy, [width, height]) {
  const x = clamp(x1 + Math.round(dx), 0, width - (x2 - x1));
  const y = clamp(y1 + Math.round(dy), 0, height - (y2 - y1));
  return [x, y, x + (x2 - x1), y + (y2 - y1)].map(tidy);
}

/** A box whose handle was dragged to a point; beyond the opposite edge it turns over. */
export function dragged(box, handle, point, size) {
  const edges = [...box];
  HANDLES[handle].forEach((edge, axis) => {
    if (edge === null) return;
    const other = box[(edge + 2) % 4];
    let place = clamp(Math.round(point[axis]), 0, size[axis]);
    if (Math.abs(place - other) < LEAST) place = clamp(other + (box[edge] > other ? LEAST : -LEAST), 0, size[axis]);
    edges[axis] = tidy(Math.min(place, other));
    edges[axis + 2] = tidy(Math.max(place, other));
  });
  return edges[0] < edges[2] && edges[1] < edges[3] ? edges : box;
}

/** A box whose right and lower edges went by so much. */
export function grown([x1, y1, x2, y2], dx, dy, [width, height]) {
  return [x1, y1, clamp(x2 + dx, x1 + LEAST, width), clamp(y2 + dy, y1 + LEAST, height)].map(tidy);
}

/** A new box in the middle, for those who draw without a pointer. */
export function central([width, height]) {
  const [w, h] = [Math.max(LEAST, Math.round(width / 4)), Math.max(LEAST, Math.round(height / 4))];
  const [x, y] = [Math.floor((width - w) / 2), Math.floor((height - h) / 2)];
  return [x, y, x + w, y + h];
}

/** Positions of the boxes that hold a point, the smallest box first. */
export function at(boxes, [x, y]) {
  const area = ([x1, y1, x2, y2]) => (x2 - x1) * (y2 - y1);
  return boxes
    .map(({ box }, position) => ({ box, position }))
    .filter(({ box: [x1, y1, x2, y2] }) => x1 <= x && x <= x2 && y1 <= y && y <= y2)
    .sort((a, b) => area(a.box) - area(b.box))
    .map(({ position }) => position);
}

/** Place and size for a screen reader. */
export function where([x1, y1, x2, y2]) {
  return `${tidy(x2 - x1)} by ${tidy(y2 - y1)} pixels at ${x1}, ${y1}`;
}

/** What an answer holds, in words. */
export function summary(boxes) {
  const counts = new Map();
  for (const { label } of boxes) counts.set(label, (counts.get(label) ?? 0) + 1);
  return boxes.length ? [...counts].map(([label, count]) => `${count} ${label}`).join(", ") : "no objects";
}
