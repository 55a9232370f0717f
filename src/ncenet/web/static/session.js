// One window's work: the images ahead, the answers given, and the way back. Knows nothing of the page.

import * as api from "./api.js";
import { imageUrl, newKey } from "./dom.js";

const AHEAD = 8;
const LOW = 5;

/**
 * An image with a key for what was answered about it in this window, the latest answer last. Where boxes are
 * drawn, `drawing` is what is going on, and `undone` the answer that was taken back.
 */
function itemOf(turn, answers = []) {
  const picture = new Image();
  picture.decoding = "sync";
  picture.src = imageUrl(turn.hash);
  const ready = picture.decode().catch(() => {});
  return { turn, picture, ready, answers };
}

/** What an answer settles: an image, or the request to answer it once more. */
const nameOf = ({ id, again }) => (again ? `again ${again}` : id);

/** An image that was answered before, without its picture yet. */
function pastItem({ id, hash, size, kind, label, boxes, key }) {
  return { turn: { id, hash, size, asked: null, cycle: 0 }, picture: null, answers: [{ key, kind, label, boxes }] };
}

export class Session {
  /** `onChange` is called whenever another image, or another answer, is to be shown. */
  constructor({ outbox, who, window, onChange }) {
    this.outbox = outbox;
    this.who = who;
    this.window = window;
    this.onChange = onChange;
    this.ahead = [];
    this.history = [];
    this.looking = null; // position in the history when the person went back
    this.answered = new Set(); // ids, whether the server knows it yet or not
    this.asking = false;
    this.shownAt = performance.now();
    document.addEventListener("visibilitychange", () => (this.shownAt = NaN));
  }

  get current() {
    return this.looking === null ? this.ahead[0] : this.history[this.looking];
  }

  /** Take up where this annotator stopped. */
  async resume() {
    await this.outbox.flush();
    const { answers } = await api.mine(this.who);
    this.history = answers.reverse().map((said) => {
      this.answered.add(said.id);
      return pastItem(said);
    });
    await this.topUp();
  }

  /** Ask for more images when few are left. */
  async topUp(want = AHEAD) {
    if (this.asking || this.ahead.length >= LOW) return;
    this.asking = true;
    try {
      await this.#fetch(want);
    } finally {
      this.asking = false;
    }
  }

  /** The run asks for other images now: drop those ahead, all but the one that is looked at. */
  async renew() {
    if (this.asking) return;
    this.asking = true;
    try {
      await this.#fetch(AHEAD);
    } finally {
      this.asking = false;
    }
  }

  async #fetch(want) {
    const had = this.ahead[0];
    const holding = this.ahead.map(({ turn }) => turn.id);
    const { turns } = await api.turns({ window: this.window, who: this.who, holding, want });
    const known = new Map(this.ahead.map((item) => [item.turn.id, item]));
    const first = this.ahead[0]; // another one than before if answers were given meanwhile
    const rest = turns.filter((turn) => !this.answered.has(nameOf(turn)) && turn.id !== first?.turn.id);
    this.ahead = rest.map((turn) => known.get(turn.id) ?? itemOf(turn));
    if (first) this.ahead.unshift(first);
    if (this.ahead[0] !== had && this.looking === null) this.#show();
  }

  /** Answer the image that is looked at: with a class, or with what is drawn on it. */
  answer(kind, label = null, drawn = undefined) {
    const item = this.current;
    if (!item) return false;
    const entry = { who: this.who, key: newKey(), id: item.turn.id, kind, hash: item.turn.hash, size: item.turn.size };
    const seconds = (performance.now() - this.shownAt) / 1000;
    if (kind === "answer" && drawn) entry.boxes = drawn;
    else if (kind === "answer") entry.label = label;
    if (this.looking === null && seconds >= 0 && seconds < 3600) entry.seconds = Math.round(seconds * 1000) / 1000;
    item.answers.push({ key: entry.key, kind, label, boxes: entry.boxes, drawn });
    item.drawing = null;
    if (this.looking === null) {
      this.ahead.shift();
      this.history.push(item);
      this.answered.add(nameOf(item.turn)).add(item.turn.id);
    } else this.ahead = this.ahead.filter(({ turn }) => turn.id !== item.turn.id);
    this.looking = null;
    this.#show();
    this.outbox.push(entry);
    this.topUp().catch(() => {});
    return true;
  }

  /** Take note of images that were answered in a group: they are not to come up again. */
  settle(ids, answered = true) {
    for (const id of ids) answered ? this.answered.add(id) : this.answered.delete(id);
    const front = this.ahead[0];
    this.ahead = this.ahead.filter(({ turn }) => turn.again || !this.answered.has(turn.id));
    if (this.ahead[0] !== front && this.looking === null) this.#show();
    this.topUp().catch(() => {});
  }

  /** Take back the last answer, or the one that is looked at; the image it was about, or undefined. */
  undo() {
    const position = this.looking ?? this.history.length - 1;
    const item = this.history[position];
    const last = item?.answers.at(-1);
    if (!last) return undefined;
    if (!last.key) return null; // it came from elsewhere: it can be corrected, not undone
    item.answers.pop();
    item.drawing = null;
    item.undone = { boxes: last.drawn ?? last.boxes };
    if (!item.answers.length) {
      this.history.splice(position, 1);
      this.answered.delete(item.turn.id);
      this.answered.delete(nameOf(item.turn));
      // One that was refused may have been asked for again.
      this.ahead = [this.#withPicture(item), ...this.ahead.filter(({ turn }) => turn.id !== item.turn.id)];
      this.looking = null;
    }
    this.#show();
    this.outbox.push({ who: this.who, key: newKey(), id: item.turn.id, kind: "undo", undoes: last.key });
    return item;
  }

  /** Look at the answer before. */
  back() {
    const position = (this.looking ?? this.history.length) - 1;
    if (position < 0) return false;
    this.#look(position);
    return true;
  }

  /** Look at an answer that was found elsewhere, to correct it. */
  visit(said) {
    this.#leave();
    // Another annotator's can be corrected here, not undone.
    const answer = { ...said, key: said.who === this.who ? said.key : null };
    let position = this.history.findIndex(({ turn }) => turn.id === said.id);
    if (position < 0) {
      this.history.unshift(pastItem(answer));
      position = 0;
    }
    const { answers } = this.history[position];
    if (!answer.key || answer.key !== answers.at(-1).key) answers.push(answer);
    this.#look(position);
  }

  /** Return to the image that is to be labelled. */
  forward() {
    if (this.looking === null) return false;
    this.#leave();
    this.#show();
    return true;
  }

  #look(position) {
    this.#leave();
    this.looking = position;
    this.#withPicture(this.history[position]);
    this.#show();
  }

  /** Turn away from an answer that was looked at; what was drawn on it and not recorded is dropped. */
  #leave() {
    if (this.looking !== null) this.current.drawing = null;
    this.looking = null;
  }

  #withPicture(item) {
    return item.picture ? item : Object.assign(item, itemOf(item.turn, item.answers));
  }

  #show() {
    // Far back, pictures are let go: they are one request away.
    for (const item of this.history.slice(0, -20)) if (item !== this.current) item.picture = null;
    this.shownAt = performance.now();
    this.onChange();
  }
}
