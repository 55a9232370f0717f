// Small helpers for building pages: elements are made, never parsed from text, so nothing can be injected.

import { signed } from "./token.js";

export const $ = (id) => document.getElementById(id);

/** An element with properties and children; strings become text. */
export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in element && !key.startsWith("aria")) element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

/** An SVG element. */
export function draw(name, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** Have a screen reader say something. */
export function say(text) {
  $("said").textContent = text;
}

let fading;

/** Show a line for a while. */
export function notice(text, seconds = 6) {
  const line = $("notice");
  line.textContent = text;
  line.hidden = false;
  clearTimeout(fading);
  fading = setTimeout(() => (line.hidden = true), 1000 * seconds);
}

let settle = null; // takes what the dialog was closed with, should its event still be on its way when it is wanted again

/** Ask for a line of text in a dialog, which may be empty or not; null when the person thinks better of it. */
export function ask(title, text, value = "", { empty = false, written = true } = {}) {
  const [dialog, input] = [$("ask"), $("ask-input")];
  settle?.();
  $("ask-title").textContent = title;
  $("ask-text").textContent = text;
  input.value = value;
  input.hidden = !written;
  dialog.returnValue = "";
  dialog.showModal();
  input.select();
  $("ask-cancel").onclick = () => dialog.close();
  return new Promise((resolve) => {
    settle = () => resolve(dialog.returnValue === "ok" && (empty || input.value.trim()) ? input.value.trim() : null);
    dialog.onclose = () => dialog.open || settle();
  });
}

/** Ask yes or no in the same dialog. */
export async function confirmed(title, text) {
  return (await ask(title, text, "yes", { written: false })) === "yes";
}

/** A name without case, blanks, hyphens and underscores: what is equal then is perhaps a slip. */
export const folded = (name) => name.normalize("NFKC").toLowerCase().replace(/[ _-]/g, "");

/** A key that nothing else has; also where the browser keeps randomUUID for encrypted pages. */
export const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

export const percent = (share, digits = 0) => `${(100 * share).toFixed(digits)} %`;
export const number = (n) => n.toLocaleString("en");

/** A number with its noun. */
export const counted = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;
export const imageUrl = (hash, size = "view") => signed(`images/${size}/${hash}`);

/** Small images are enlarged with their pixels, not blurred. */
export function sharpen(picture) {
  picture.classList.toggle("pixels", Math.max(picture.naturalWidth, picture.naturalHeight) <= 96);
}

export const sharpenLoaded = (event) => sharpen(event.target);
