// Answers on their way to the server. They lie in the browser's storage until the server has said that they
// are on its disk; each has a key of its own, so sending one twice does no harm. Answers that the server refuses
// stay too, until their image is answered anew or a person discards them.

import * as api from "./api.js";

const PARCEL = 100;
const PARCEL_LENGTH = 400_000; // characters; boxes are long, and a request is a million bytes at most
const RETRY_MS = 1000;

export class Outbox {
  /**
   * `run` keeps the answers of two projects apart; `onChange` hears of every change of what is waiting or
   * refused, `onRefused` of each refusal and whether the answer is kept.
   */
  constructor(run, window, { onChange, onRefused, onRecorded }) {
    this.prefix = `ncenet/${run}/outbox/`;
    this.name = this.prefix + window;
    this.refusals = `ncenet/${run}/refused/`; // an entry each: windows never write over each other's
    this.onChange = onChange;
    this.onRefused = onRefused;
    this.onRecorded = onRecorded;
    this.sending = false;
    this.careful = false; // after a parcel was malformed, answers go one by one
    this.timer = undefined;
    this.entries = this.#adopt();
    addEventListener("online", () => this.flush());
  }

  /** This window's answers, and those of windows that were closed before theirs were sent. */
  #adopt() {
    const entries = [];
    for (const name of Object.keys(localStorage).filter((key) => key.startsWith(this.prefix)).sort()) {
      entries.push(...JSON.parse(localStorage.getItem(name)));
    }
    return entries;
  }

  get waiting() {
    return this.entries.length;
  }

  /** New classes that the server does not know yet. */
  get names() {
    return this.entries.filter((entry) => "name" in entry).map(({ name }) => name);
  }

  /** Answers that the server refused, as `{entry, why}`. */
  get refused() {
    const names = Object.keys(localStorage).filter((key) => key.startsWith(this.refusals)).sort();
    return names.map((name) => JSON.parse(localStorage.getItem(name)));
  }

  /** Forget an answer that was refused. */
  discard({ key }) {
    localStorage.removeItem(this.refusals + key);
    this.onChange();
  }

  /**
   * Take an answer, `{who, key, id, kind, ...}`, or a new class, `{who, name}`. It is safe when this returns. An
   * answer may have the `size` of its image, for whoever opens it again after it was refused; it is not sent.
   */
  push(entry) {
    if (this.#take(entry)) this.#keep();
    this.flush();
  }

  /** Take several at once; they are safe when this returns. */
  pushAll(entries) {
    for (const entry of entries) this.#take(entry);
    this.#keep();
    this.flush();
  }

  #take(entry) {
    const undone = entry.kind === "undo";
    const settled = this.refused.filter(({ entry: { key, id, who } }) => (undone ? key === entry.undoes : id === entry.id && who === entry.who));
    for (const { entry: old } of settled) this.discard(old);
    if (undone && settled.length) return false; // the server never had it
    this.entries.push(entry);
    return true;
  }

  #keep() {
    if (this.entries.length) localStorage.setItem(this.name, JSON.stringify(this.entries));
    else localStorage.removeItem(this.name);
    this.onChange();
  }

  /** Send what is waiting, in its order; on failure try again, for ever. */
  async flush() {
    if (this.sending) return;
    this.sending = true;
    clearTimeout(this.timer);
    try {
      while (this.entries.length) await this.#sendSome();
      this.careful = false;
    } catch (error) {
      this.timer = setTimeout(() => this.flush(), RETRY_MS);
    } finally {
      this.sending = false;
    }
  }

  async #sendSome() {
    const first = this.entries[0];
    if ("name" in first) {
      try {
        await api.addClass(first);
      } catch (error) {
        if (!(error instanceof api.Refused)) throw error;
        this.onRefused(error.message, false);
      }
      this.#sent([first]);
      return;
    }
    const parcel = [];
    let length = 0;
    for (const entry of this.entries.slice(0, this.careful ? 1 : PARCEL)) {
      length += JSON.stringify(entry).length;
      if ("name" in entry || entry.who !== first.who || (parcel.length && length > PARCEL_LENGTH)) break;
      parcel.push(entry);
    }
    const entries = parcel.map(({ who, size, ...entry }) => entry);
    try {
      const { outcome } = await api.answers({ who: first.who, entries });
      for (const entry of parcel) if (outcome[entry.key]) this.#refuse(entry, outcome[entry.key]);
    } catch (error) {
      if (!(error instanceof api.Malformed)) throw error;
      // Nothing of the parcel is recorded. Sent one by one, the sound ones are, and the other one is told of.
      this.careful = true;
      if (parcel.length > 1) return;
      this.#refuse(first, error.message);
    }
    this.#sent(parcel);
    this.onRecorded(parcel);
  }

  /** Keep an answer that was refused, unless the person has thought better of it meanwhile. */
  #refuse(entry, why) {
    const later = this.entries.slice(this.entries.indexOf(entry) + 1).some(({ id, who }) => id === entry.id && who === entry.who);
    const kept = entry.kind !== "undo" && !later;
    if (kept) localStorage.setItem(this.refusals + entry.key, JSON.stringify({ entry, why }));
    this.onRefused(why, kept);
  }

  /** Strike off what is on the server's disk, in this window and wherever else it was kept. */
  #sent(parcel) {
    this.entries = this.entries.filter((entry) => !parcel.includes(entry));
    this.#keep();
    const keys = new Set(parcel.map((entry) => entry.key));
    for (const name of Object.keys(localStorage)) {
      if (!name.startsWith(this.prefix) || name === this.name) continue;
      const left = JSON.parse(localStorage.getItem(name)).filter((entry) => !keys.has(entry.key));
      if (left.length) localStorage.setItem(name, JSON.stringify(left));
      else localStorage.removeItem(name);
    }
  }
}
