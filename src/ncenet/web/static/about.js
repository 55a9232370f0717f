// What is known of an image beside its label: what a camera wrote into it, and what people did.

import * as api from "./api.js";
import { ask, make, notice, number } from "./dom.js";
import { tell } from "./stage.js";

const degrees = (value, [plus, minus]) => `${Math.abs(value).toFixed(5)}° ${value < 0 ? minus : plus}`;

/** Show it below the image. */
export async function showDetails(item) {
  const { taken, size, bytes, note } = await api.details(item.turn.id);
  const rows = [
    ["Taken", taken.at],
    ["Place", taken.latitude === null ? null : `${degrees(taken.latitude, "NS")}, ${degrees(taken.longitude, "EW")}`],
    ["Camera", taken.camera],
    ["Size", size && `${number(size[0])} × ${number(size[1])}${bytes ? `, ${number(Math.ceil(bytes / 1000))} kB` : ""}`],
    ["Note", note && `${note.text} (${note.who})`],
  ].filter(([, value]) => value);
  const nothing = taken.at || taken.latitude !== null ? [] : [make("p", { className: "faint" }, "The file does not say when or where it was taken.")];
  tell([make("dl", { className: "details" }, ...rows.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)])), ...nothing]);
}

/** Write a note about an image; an empty one takes the last one away. */
export async function writeNote(item, who) {
  const text = await ask("Note on this image", item.turn.id, item.turn.note ?? "", { empty: true });
  if (text === null) return;
  await api.note({ who, id: item.turn.id, text });
  item.turn.note = text || null;
  showNote(item);
  notice(text ? "The note is saved." : "The note is gone.");
}

/** The name of the image, and its note. */
export function showNote(item) {
  const caption = document.getElementById("caption");
  caption.replaceChildren(item?.turn.id ?? "", ...(item?.turn.note ? [make("span", { className: "note" }, item.turn.note)] : []));
}
