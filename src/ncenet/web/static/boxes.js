// The canvas: boxes over the image, drawn, moved and resized by pointer or keyboard.
//
// It is an SVG and no <canvas>: a box is an element, so it can have the focus and a name that is read out, and
// the browser does the scaling: the coordinates of the SVG are the pixels of the original image, whatever size
// is displayed.

import { counted, draw, notice, say } from "./dom.js";
import { Drawing, MOST } from "./drawing.js";
import { at, between, dragged, HANDLES, moved, where } from "./geometry.js";
import { colourOf, isLight } from "./overlay.js";

const CLICK = 4; // pixels of the screen that a hand may tremble
const FAST = 5; // pixels of the screen that a held key moves at a time
const CROWD = 16; // with more boxes, names are shown where the pointer is
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class BoxCanvas {
  /** `root` is the SVG; `names()` are the classes; `onChange` hears of every edit and selection. */
  constructor(root, { names, onChange }) {
    Object.assign(this, { root, names, onChange, drawing: null, label: null, drag: null });
    root.addEventListener("pointerdown", (event) => this.#down(event));
    root.addEventListener("pointermove", (event) => this.#move(event));
    root.addEventListener("pointerup", (event) => this.#up(event));
    root.addEventListener("pointercancel", () => this.#cancel());
    root.addEventListener("focusin", (event) => this.#focused(event.target.closest("[data-box]")));
    new ResizeObserver(() => this.draw()).observe(root);
  }

  /** The class of the selected box, or of the next one. */
  get marked() {
    return this.drawing?.current ? this.drawing.current.label : this.label;
  }

  /** Show what is drawn on an image; null when there is none to draw on. */
  show(drawing) {
    if (drawing === this.drawing) return;
    this.drag = null;
    this.drawing = drawing;
    this.root.toggleAttribute("hidden", !drawing);
    if (drawing) this.root.setAttribute("viewBox", `0 0 ${drawing.size.join(" ")}`);
    this.draw();
    if (drawing?.cut) notice(`Cut at the edge of the image: ${counted(drawing.cut, "box that reached", "boxes that reached")} beyond it. Enter records what is shown.`, 15);
  }

  /** Give a class to the selected box, or else to the next. */
  classify(label) {
    this.label = label;
    if (this.drawing?.current) this.#edit(() => this.drawing.classify(label), () => `${this.#name()}: ${label}`);
    else this.#edit(() => {}, () => `Next box: ${label}`);
  }

  /** Whether so many boxes may be added; a word when they may not. */
  #takes(count) {
    if (count <= this.drawing.room) return true;
    notice(`An image takes ${MOST} boxes at most, and this one has ${this.drawing.boxes.length}.`);
    return false;
  }

  /** The boxes as an answer; null, and a word, while one of them is dragged or has no class, or there are too many. */
  answer() {
    if (this.drag?.going) {
      notice("Let go of the box first.");
      return null;
    }
    if (!this.#takes(0)) return null;
    const nameless = this.drawing.boxes.findIndex(({ label }) => !label);
    if (nameless < 0) return this.drawing.answer();
    this.#select(nameless);
    notice("This box has no class yet: press the key of one.");
    return null;
  }

  /** Let go of what is dragged, as if it had not been. */
  cancel() {
    this.#cancel();
  }

  /** Take back the drag that is going on, or else the last edit; whether there was one. */
  undo() {
    const dragging = this.drag?.going;
    this.#cancel();
    if (!dragging && !this.drawing?.undo()) return false;
    this.#edit(() => {}, () => `Undone: ${this.#count()}`);
    return true;
  }

  remove() {
    if (this.drawing?.current) this.#edit(() => this.drawing.remove(), () => `Deleted: ${this.#count()}`);
    else notice("Select the box to delete: click on it, or press Tab.");
  }

  /** Put suggestions up, dashed, in the place of those that were there; they arrive whenever they do. */
  suggest(boxes) {
    this.drawing.suggested = boxes;
    this.draw();
    this.onChange();
    say(`${boxes.length} suggested`);
  }

  take(positions) {
    if (this.#takes(positions.length)) this.#edit(() => this.drawing.take(positions), () => `Taken over: ${this.#count()}`);
  }

  takeAll() {
    const { suggested } = this.drawing;
    if (suggested.length) this.take([...suggested.keys()]);
    else notice("Nothing is suggested: h asks the model, o shows what was drawn before.");
  }

  /** A key; whether it meant something here. */
  key({ key, shiftKey, repeat }) {
    if (!this.drawing) return false;
    if (key === "Tab") {
      this.#cancel();
      return this.#next(shiftKey ? -1 : 1);
    }
    if (key === "Escape") return this.#escape();
    if (key === "+" || key === "Insert") {
      if (!this.#takes(1)) return true;
      this.#edit(() => this.drawing.addCentral(this.#class()), () => this.#told());
      this.#focus();
      return true;
    }
    if (key === "Enter") return this.#takeFocused();
    if (key === "Delete" || key === "Backspace") {
      this.remove();
      return true;
    }
    if (!ARROWS[key] || !this.drawing.current) return false;
    const far = repeat ? Math.max(1, Math.round(FAST / this.#scale)) : 1;
    const [dx, dy] = ARROWS[key].map((way) => way * far);
    this.#edit(() => this.drawing.step(dx, dy, { grow: shiftKey, held: repeat }), () => this.#told());
    return true;
  }

  get #scale() {
    return this.root.getScreenCTM()?.a || 1;
  }

  #class() {
    return this.label ?? (this.names().length === 1 ? this.names()[0] : null);
  }

  #name(position = this.drawing.selected) {
    return `Box ${position + 1} of ${this.drawing.boxes.length}`;
  }

  #told(position = this.drawing.selected) {
    const { box, label, difficult } = this.drawing.boxes[position];
    return `${this.#name(position)}: ${label ?? "no class yet"}${difficult ? ", difficult" : ""}, ${where(box)}`;
  }

  #count() {
    const count = this.drawing.boxes.length;
    return counted(count, "box", "boxes");
  }

  /** Whatever is edited by key or button, a drag that is going on ends first, as if it had not begun. */
  #edit(change, words) {
    this.#cancel();
    change();
    this.draw();
    this.onChange();
    say(words());
  }

  #select(position) {
    this.drawing.selected = position;
    this.draw();
    this.onChange();
    this.#focus();
  }

  #focus() {
    this.root.querySelector(`[data-box="${this.drawing.selected}"]`)?.focus({ preventScroll: true });
  }

  #focused(element) {
    if (!element || this.drag || this.drawing.selected === Number(element.dataset.box)) return;
    this.drawing.selected = Number(element.dataset.box);
    this.draw();
    this.onChange();
  }

  /** The next box or suggestion; beyond the last, the browser goes on to what comes after the image. */
  #next(way) {
    const stops = [...this.root.querySelectorAll("[data-box], [data-suggested]")];
    const focused = document.activeElement;
    if (focused !== document.body && !this.root.contains(focused)) return false;
    const before = stops.indexOf(focused);
    const next = before < 0 ? (way > 0 ? 0 : stops.length - 1) : before + way;
    if (!stops[next]) return false;
    stops[next].focus({ preventScroll: true });
    return true;
  }

  #takeFocused() {
    const element = document.activeElement?.closest?.("[data-suggested]");
    if (!element) return false;
    this.take([Number(element.dataset.suggested)]);
    this.#focus();
    return true;
  }

  #escape() {
    if (this.drag) this.#cancel();
    else if (this.drawing.current) {
      document.activeElement?.blur();
      this.drawing.selected = null;
    } else if (this.drawing.suggested.length) this.drawing.suggested = [];
    else return false;
    this.draw();
    this.onChange();
    return true;
  }

  #point({ clientX, clientY }) {
    const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(this.root.getScreenCTM().inverse());
    return [x, y];
  }

  #down(event) {
    if (!this.drawing || event.button !== 0 || !event.isPrimary) return;
    event.preventDefault(); // no text is selected, and the focus stays where it is put
    this.root.setPointerCapture(event.pointerId);
    const start = this.#point(event);
    const { current } = this.drawing;
    const handle = event.target.dataset.handle;
    const inside = current && at([current], start).length > 0;
    const what = handle ? "resize" : inside && !event.shiftKey ? "move" : "draw";
    this.drag = { what, handle, start, from: [event.clientX, event.clientY], box: current?.box, going: false };
  }

  #move(event) {
    if (this.drag) this.#follow(this.drag, event);
  }

  #follow(drag, event) {
    const { drawing } = this;
    if (!drag.going) {
      if (Math.hypot(event.clientX - drag.from[0], event.clientY - drag.from[1]) < CLICK) return;
      drag.going = true;
      if (drag.what !== "draw") drawing.begin();
    }
    const point = this.#point(event);
    if (drag.what === "draw") drag.band = between(drag.start, point, drawing.size);
    else if (drag.what === "resize") drawing.current.box = dragged(drag.box, drag.handle, point, drawing.size);
    else drawing.current.box = moved(drag.box, point[0] - drag.start[0], point[1] - drag.start[1], drawing.size);
    this.draw();
  }

  #up(event) {
    const { drag, drawing } = this;
    this.drag = null;
    if (!drag) return;
    this.#follow(drag, event);
    if (!drag.going) this.#click(drag);
    else if (drag.what !== "draw") this.#edit(() => {}, () => this.#told());
    else if (drag.band && this.#takes(1)) {
      this.#edit(() => drawing.add(drag.band, this.#class()), () => this.#told());
      this.#focus();
    } else this.draw();
  }

  /** Select what was clicked on: the smallest box, or the next larger one when that is selected already. */
  #click({ start }) {
    const under = at(this.drawing.boxes, start);
    const [suggested] = at(this.drawing.suggested, start);
    if (under.length) this.#select(under[(under.indexOf(this.drawing.selected) + 1) % under.length]);
    else if (suggested !== undefined) {
      this.take([suggested]);
      this.#focus();
    } else if (this.drawing.current) this.#escape();
  }

  #cancel() {
    if (!this.drag) return;
    if (this.drag.going && this.drag.what !== "draw") this.drawing.undo();
    this.drag = null;
    this.draw();
  }

  /** Make the elements of what is drawn. */
  draw() {
    const { drawing, root } = this;
    const boxes = drawing?.boxes ?? [];
    const suggested = drawing?.suggested ?? [];
    root.setAttribute("aria-label", `Boxes on the image: ${boxes.length}`);
    root.classList.toggle("crowded", boxes.length > CROWD);
    const scale = this.#scale;
    const parts = [
      ...suggested.map((each, n) => this.#box(each, scale, { "data-suggested": n, class: "box suggested", "aria-label": `Suggestion ${n + 1} of ${suggested.length}: ${each.label}${each.score === undefined ? "" : `, likelihood ${Math.round(100 * each.score)} %`}, ${where(each.box)}; Enter takes it over` })),
      ...boxes.map((each, n) => this.#box(each, scale, { "data-box": n, class: `box${n === drawing.selected ? " selected" : ""}${each.label ? "" : " nameless"}`, "aria-pressed": n === drawing.selected, "aria-label": this.#told(n) })),
    ];
    this.#replace("[data-box], [data-suggested]", parts);
    this.#replace(".handle, .band", [
      ...(drawing?.current ? this.#handles(drawing.current.box, scale) : []),
      ...(this.drag?.band ? [draw("rect", { class: "band", stroke: colourOf(this.#class(), this.names()), ...place(this.drag.band) })] : []),
    ]);
  }

  /** Put elements in the place of others; the focus stays on its suggestion, or with the selected box. */
  #replace(old, parts) {
    const focused = document.activeElement;
    const within = this.root.contains(focused);
    const suggestion = within ? focused.dataset.suggested : undefined;
    for (const element of this.root.querySelectorAll(`:scope > :is(${old})`)) element.remove();
    this.root.append(...parts);
    if (suggestion !== undefined) this.root.querySelector(`[data-suggested="${suggestion}"]`)?.focus({ preventScroll: true });
    else if (within) this.#focus();
  }

  #box({ box, label, score, difficult }, scale, attributes) {
    const colour = colourOf(label, this.names());
    const words = `${label ?? "?"}${difficult ? " (difficult)" : ""}${score === undefined ? "" : ` ${Math.round(100 * score)} %`}`;
    const high = 17 / scale;
    const wide = (8 + 7 * words.length) / scale;
    const x = Math.max(0, Math.min(box[0], this.drawing.size[0] - wide));
    const y = box[1] >= high ? box[1] - high : box[1];
    return draw("g", { role: "button", tabindex: 0, ...attributes },
      draw("rect", { class: "halo", ...place(box) }),
      draw("rect", { class: "line", stroke: colour, ...place(box) }),
      draw("g", { class: "tag", fill: colour },
        draw("rect", { x, y, width: wide, height: high }),
        draw("text", { x: x + 4 / scale, y: y + 12.5 / scale, "font-size": 12 / scale, fill: isLight(colour) ? "#000" : "#fff", textLength: wide - 8 / scale, lengthAdjust: "spacingAndGlyphs" }, words)));
  }

  #handles([x1, y1, x2, y2], scale) {
    const coarse = matchMedia("(pointer: coarse)").matches;
    const least = Math.min(x2 - x1, y2 - y1) * scale; // on a small box handles leave room to take hold of it
    const reach = Math.min(coarse ? 36 : 20, Math.max(10, least / 2)) / scale;
    const side = 9 / scale;
    const edges = [x1, y1, x2, y2];
    return Object.entries(HANDLES)
      .filter(([, [ex, ey]]) => (ex !== null && ey !== null) || least > 64)
      .map(([name, [ex, ey]]) => {
        const x = ex === null ? (x1 + x2) / 2 : edges[ex];
        const y = ey === null ? (y1 + y2) / 2 : edges[ey];
        const square = (length) => ({ x: x - length / 2, y: y - length / 2, width: length, height: length });
        return draw("g", { class: `handle ${name}` }, draw("rect", { class: "knob", ...square(side) }), draw("rect", { class: "reach", "data-handle": name, ...square(reach) }));
      });
  }
}

const place = ([x1, y1, x2, y2]) => ({ x: x1, y: y1, width: x2 - x1, height: y2 - y1 });

/** What is drawn on the image of an item: begun here, from its last answer, or from one that was taken back. */
export function drawingOf(item, draft) {
  item.drawing ??= new Drawing(item.answers.at(-1)?.boxes ?? item.undone?.boxes ?? draft ?? [], item.turn.size);
  return item.drawing;
}
