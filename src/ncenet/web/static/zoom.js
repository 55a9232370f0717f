// A closer look at the image in front: by wheel, two fingers, double click and keys; in the end by its own pixels.
//
// The picture and the boxes over it are laid out larger, not transformed: lines and handles keep their width.

import { imageUrl, sharpen } from "./dom.js";

const MOST = 40;
const STEP = 1.4;
const VIEW = 1600; // longest side of the picture that the page shows at first
const PIXELS = 3; // pixels of the screen for one of the original from which on they are shown as squares
const ARROWS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

export class Zoom {
  /** `frame` holds the picture; `drawn()` tells whether one finger draws; `onPinch()` hears of a second finger. */
  constructor(frame, { drawn, onPinch }) {
    Object.assign(this, { frame, drawn, onPinch, fingers: new Map(), item: null });
    this.fit();
    frame.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    frame.addEventListener("dblclick", (event) => !drawn() && (this.level > 1 ? this.fit() : this.original(this.#at(event))));
    for (const [name, does] of [["pointerdown", "down"], ["pointermove", "move"], ["pointerup", "up"], ["pointercancel", "up"]]) {
      frame.addEventListener(name, (event) => this[does](event), { capture: true });
    }
  }

  /** Another image is in front. */
  show(item) {
    if (item === this.item) return;
    this.item = item;
    this.fit();
    item?.ready?.then(() => this.item === item && this.#apply());
  }

  fit() {
    Object.assign(this, { level: 1, left: 0, top: 0 });
    this.#apply();
  }

  /** One pixel of the original for each of the screen; of a small one twice what is shown. */
  async original(at = this.#middle()) {
    const picture = this.#picture;
    if (!picture?.naturalWidth) return;
    const look = () => this.to(Math.max(2, (this.level * picture.naturalWidth) / (devicePixelRatio * this.#width)), at);
    look();
    await this.#fetchOriginal(picture);
    if (this.#picture === picture && this.level > 1) look();
  }

  /** Enlarge to a level, with the point `at` of the frame where it is. */
  to(level, at = this.#middle()) {
    if (!this.item) return;
    const next = Math.min(MOST, Math.max(1, level));
    this.left = at[0] - ((at[0] - this.left) * next) / this.level;
    this.top = at[1] - ((at[1] - this.top) * next) / this.level;
    this.level = next;
    this.#apply();
  }

  pan(dx, dy) {
    this.left += dx;
    this.top += dy;
    this.#apply();
  }

  /** A key; whether it meant something here. */
  key({ key }) {
    if (!this.item) return false;
    if (key === "+" || key === "=" || key === "PageUp") this.to(this.level * STEP);
    else if (key === "-" || key === "PageDown") this.to(this.level / STEP);
    else if (key === "Home") this.fit();
    else if (key === "End") this.original();
    else if (ARROWS[key] && this.level > 1) this.pan(...ARROWS[key].map((way) => (way * this.frame.clientWidth) / 8));
    else return false;
    return true;
  }

  down(event) {
    this.fingers.set(event.pointerId, [event.clientX, event.clientY]);
    const alone = this.fingers.size === 1;
    const drags = this.level > 1 && (event.button === 1 || event.altKey || (!this.drawn() && event.button === 0));
    this.panning = alone && drags;
    if (this.fingers.size === 2) {
      this.onPinch();
      this.pinching = true;
    }
    if (this.panning || this.pinching) event.stopPropagation();
    if (!this.panning) return;
    event.preventDefault();
    this.frame.setPointerCapture(event.pointerId);
  }

  move(event) {
    const before = this.fingers.get(event.pointerId);
    if (!before) return;
    const now = [event.clientX, event.clientY];
    if (!this.panning && !this.pinching) return void this.fingers.set(event.pointerId, now);
    event.stopPropagation();
    if (this.pinching && this.fingers.size === 2) {
      const [other] = [...this.fingers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
      const apart = ([x, y]) => Math.hypot(x - other[0], y - other[1]) || 1;
      this.to((this.level * apart(now)) / apart(before), this.#at({ clientX: (now[0] + other[0]) / 2, clientY: (now[1] + other[1]) / 2 }));
      this.pan((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
    } else if (this.panning) this.pan(now[0] - before[0], now[1] - before[1]);
    this.fingers.set(event.pointerId, now);
  }

  up(event) {
    if (!this.fingers.delete(event.pointerId)) return;
    if (this.panning || this.pinching) event.stopPropagation();
    if (!this.fingers.size) this.panning = this.pinching = false;
  }

  #wheel(event) {
    if (!this.item || (this.level === 1 && event.deltaY > 0)) return; // the page scrolls
    event.preventDefault();
    this.to(this.level * Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.002)), this.#at(event));
  }

  get #picture() {
    return this.item?.picture ?? null;
  }

  /** Width of the picture on the screen; the frame may be wider. */
  get #width() {
    const { naturalWidth: width, naturalHeight: height } = this.#picture ?? {};
    const { clientWidth, clientHeight } = this.frame;
    return this.level * (width ? Math.min(clientWidth, (clientHeight * width) / height) : clientWidth);
  }

  #at({ clientX, clientY }) {
    const { left, top } = this.frame.getBoundingClientRect();
    return [clientX - left - this.frame.clientLeft, clientY - top - this.frame.clientTop];
  }

  #middle() {
    return [this.frame.clientWidth / 2, this.frame.clientHeight / 2];
  }

  #apply() {
    const room = 1 - this.level;
    this.left = Math.min(0, Math.max(room * this.frame.clientWidth, this.left));
    this.top = Math.min(0, Math.max(room * this.frame.clientHeight, this.top));
    this.frame.classList.toggle("zoomed", this.level > 1);
    for (const [name, value] of [["--level", this.level], ["--left", `${this.left}px`], ["--top", `${this.top}px`]]) this.frame.style.setProperty(name, value);
    const picture = this.#picture;
    if (!picture?.naturalWidth) return;
    const scale = (this.#width * devicePixelRatio) / picture.naturalWidth;
    if (this.level > 1 && scale > 1.05) this.#fetchOriginal(picture);
    if (this.level > 1) picture.classList.toggle("pixels", scale > PIXELS);
    else sharpen(picture);
  }

  /** Put the original in the place of the smaller picture, once it is there. */
  async #fetchOriginal(picture) {
    if (picture.dataset.original || Math.max(picture.naturalWidth, picture.naturalHeight) < VIEW) return;
    picture.dataset.original = "asked";
    const larger = new Image();
    larger.src = imageUrl(this.item.turn.hash, "original");
    await larger.decode().catch(() => {}); // the smaller one stays
    if (!larger.naturalWidth || this.#picture !== picture) return;
    picture.src = larger.src;
    picture.dataset.original = "shown";
    await picture.decode().catch(() => {});
    if (this.#picture === picture) this.#apply();
  }
}

/** The image alone, as large as the screen; where the browser grants it without its own bars too. */
export function toggleFull() {
  const full = document.body.classList.toggle("full");
  if (full) document.documentElement.requestFullscreen?.().catch(() => {});
  else if (document.fullscreenElement) document.exitFullscreen();
}

document.addEventListener("fullscreenchange", () => document.fullscreenElement || document.body.classList.remove("full"));
