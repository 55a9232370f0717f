// Answers that the server refused, with its reasons: to be opened and put right, or discarded.

import { $, make } from "./dom.js";
import { wordsFor } from "./stage.js";

/** Show what was refused, `{entry, why}` each, or nothing. */
export function showRefused(refused, { open, discard }) {
  $("refused").hidden = !refused.length;
  $("refused").replaceChildren(...refused.map(({ entry, why }) =>
    make("div", {},
      make("p", {}, `Not recorded, ${entry.id} (${wordsFor(entry)}): ${why}`),
      make("button", { type: "button", onclick: (event) => {
        event.target.blur(); // Enter is to answer then, and not to press the button again
        open(entry);
      } }, "Open"),
      make("button", { type: "button", onclick: () => discard(entry) }, "Discard"))));
}
