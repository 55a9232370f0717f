// What is drawn on one image: boxes, which of them is selected, what the model suggests, and the way back.
// Knows nothing of the page.

import { central, grown, moved, within } from "./geometry.js";

export const MOST = 1000; // boxes that the server takes of one image

export class Drawing {
  /**
   * `boxes` are `{box, label, difficult}`, of an answer that was given before, or none. Those that came into the
   * run by another way may reach beyond the image: they are cut at its edge, and left out where nothing remains.
   */
  constructor(boxes, size) {
    const cut = boxes.map(({ box, ...each }) => ({ ...each, box: within(box, size) }));
    this.cut = cut.filter(({ box }, n) => !box || box.some((edge, side) => edge !== boxes[n].box[side])).length;
    this.boxes = cut.filter(({ box }) => box);
    this.size = size;
    this.suggested = [];
    this.selected = null; // position in the boxes
    this.past = [];
    this.held = false; // a key that is held down makes one edit
  }

  get current() {
    return this.boxes[this.selected];
  }

  /** How many boxes may still be added. */
  get room() {
    return MOST - this.boxes.length;
  }

  get changed() {
    return this.past.length > 0;
  }

  /** Remember how things are, before an edit. */
  begin() {
    this.past.push({ boxes: this.boxes.map((each) => ({ ...each })), suggested: [...this.suggested], selected: this.selected });
    this.held = false;
  }

  /** Take back the last edit; whether there was one. */
  undo() {
    const before = this.past.pop();
    if (before) Object.assign(this, before, { held: false });
    return Boolean(before);
  }

  add(box, label) {
    this.begin();
    this.boxes.push({ box, label });
    this.selected = this.boxes.length - 1;
  }

  addCentral(label) {
    this.add(central(this.size), label);
  }

  remove() {
    this.begin();
    this.boxes.splice(this.selected, 1);
    this.selected = null;
  }

  classify(label) {
    if (this.current.label === label) return;
    this.begin();
    this.current.label = label;
  }

  /** Move the selected box, or its right and lower edges. */
  step(dx, dy, { grow, held }) {
    if (!(held && this.held)) this.begin();
    this.held = true;
    this.current.box = (grow ? grown : moved)(this.current.box, dx, dy, this.size);
  }

  /** Take suggestions over as boxes of one's own. */
  take(positions) {
    this.begin();
    for (const position of positions) {
      const { box, label, difficult } = this.suggested[position];
      const inside = within(box, this.size); // what was drawn elsewhere may reach beyond the image
      if (inside) this.boxes.push({ box: inside, label, difficult });
    }
    this.suggested = this.suggested.filter((_, position) => !positions.includes(position));
    this.selected = positions.length === 1 ? this.boxes.length - 1 : null;
  }

  /** As they are sent. */
  answer() {
    return this.boxes.map(({ box, label, difficult }) => (difficult ? { box, label, difficult } : { box, label }));
  }
}
