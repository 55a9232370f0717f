// Which key is which class: digits for the first ten, and a letter of its own for each. A class that is called
// by a digit or a letter has that key.

/** Keys that mean something else; where boxes are drawn, `a` takes suggestions over, and `o` shows earlier boxes. */
export const RESERVED = "suzbnhwg";
export const RESERVED_FOR_BOXES = `${RESERVED}ao`;

/** With more classes than this, letters begin to type a name instead. */
export const MANY = 20;

/**
 * One `{name, digit, letter}` for each class; a class may have only one of the two, or neither. `looks` holds keys
 * that somebody chose.
 */
export function assign(names, reserved = RESERVED, looks = {}) {
  const chosen = names.filter((name) => looks[name]?.key).map((name) => [name, looks[name].key]);
  if (chosen.length) {
    const keys = new Map(chosen);
    const others = assign(names.filter((name) => !keys.has(name)), reserved + [...keys.values()].join(""));
    const used = new Set(keys.values());
    const rest = new Map(others.map((one) => [one.name, { ...one, digit: used.has(one.digit) ? "" : one.digit }]));
    return names.map((name) => rest.get(name) ?? { name, digit: /[0-9]/.test(keys.get(name)) ? keys.get(name) : "", letter: /[a-z]/.test(keys.get(name)) ? keys.get(name) : "" });
  }
  const taken = new Set(names.length > MANY ? "abcdefghijklmnopqrstuvwxyz" : reserved);
  const letters = new Map();
  const digits = new Map(names.filter((name) => /^[0-9]$/.test(name)).map((name) => [name, name]));
  const free = [..."1234567890"].filter((digit) => !digits.has(digit));
  for (const name of names) if (!digits.has(name) && free.length) digits.set(name, free.shift());
  // In rounds: first letters go to everybody before anybody gets a second choice.
  const wishes = names.map((name) => [...name.toLowerCase()].filter((c) => c >= "a" && c <= "z"));
  const rest = [..."abcdefghijklmnopqrstuvwxyz"];
  for (let round = 0; round < 12; round++) {
    names.forEach((name, i) => {
      const wish = wishes[i][round];
      if (!letters.has(name) && wish && !taken.has(wish)) {
        letters.set(name, wish);
        taken.add(wish);
      }
    });
  }
  return names.map((name) => {
    if (!letters.has(name) && name !== digits.get(name)) {
      const letter = rest.find((c) => !taken.has(c));
      if (letter) letters.set(name, letter), taken.add(letter);
    }
    return { name, digit: digits.get(name) ?? "", letter: letters.get(name) ?? "" };
  });
}

/** The class whose key this is. */
export function classOf(classes, key) {
  return classes.find(({ digit, letter }) => key === digit || key === letter)?.name;
}

export const HELP = [
  ["1 2 3 …", "answer: the digit or letter beside each class"],
  ["s", "skip: out of scope, broken, private"],
  ["u", "unsure: can't tell"],
  ["z", "undo the last answer"],
  ["b", "back to the answer before, to look at it or to correct it; Esc returns"],
  ["h", "have the model suggest a class"],
  ["w", "why this image"],
  [",", "write a note on the image; an empty one takes it away"],
  [";", "when and where it was taken, its size and note"],
  ["+ −", "a closer look, as the wheel and two fingers do; arrows move, Home fits, End shows the original's pixels. A double click does that too"],
  ["Shift Enter", "full screen"],
  ["Space", "find a class by typing: its beginning, or some of its letters; Enter answers"],
  ["n", "new class"],
  ["#", "the classes: rename, merge, delete, order, keys, colours"],
  [":", "the pool: all images without an answer, by what the model takes them for"],
  [".", "alike images at once: a class key labels all that are not crossed out"],
  ["*", "offers the label that was given last to the near copies of its image, where there are some"],
  ["/, click", "the nearest images, labelled or not; a click on one of them its nearest"],
  ["g", "look over past answers"],
  ["?", "these keys"],
];

export const HELP_FOR_GROUPS = [
  ["1 2 3 …", "labels all images that are not crossed out; Enter takes the class that is proposed"],
  ["arrows", "move; with Shift they cross out, or take back in, what they pass"],
  ["Space, click", "crosses an image out, or takes it back in; with Shift a click does so up to there"],
  ["the rest", "what was crossed out stays on screen: another class key labels it, Esc leaves it for later"],
  ["z", "undoes the last group"],
  [".", "back to one image at a time"],
];

export const HELP_FOR_POOL = [
  ["arrows", "move, with Page up and down by a screen, with Home and End to the first and last; with Shift they pick what they pass"],
  ["Space, click", "picks an image, or lets it go; with Shift a click does so up to there"],
  ["*", "picks all that is in sight"],
  ["1 2 3 …", "labels what is picked, or the image that has the frame"],
  ["Enter", "accepts for each what the model takes it for"],
  ["/", "the nearest images"],
  ["z", "undoes the last"],
  ["Esc", "lets go of what is picked; then back to one image at a time"],
];

export const HELP_FOR_BOXES = [
  ["drag", "draws a box; inside the selected one it moves it, at a handle it resizes it. With Shift a box is drawn anywhere"],
  ["click", "selects a box, again the one beneath; takes a dashed suggestion over"],
  ["1 2 3 …", "class of the selected box, or of the next one"],
  ["Tab", "selects the next box; with Shift the one before"],
  ["arrows", "move the selected box by a pixel, held down faster; with Shift its right and lower edges"],
  ["Del", "deletes the selected box"],
  ["+", "a new box in the middle"],
  ["Enter", "answers with the boxes drawn; none at all says that there is no object"],
  ["z", "undoes the last edit of a box; when there is none, the last answer"],
  ["h", "have the model suggest boxes, dashed"],
  ["o", "shows the boxes that were drawn here before, dashed"],
  ["a", "takes all suggestions, or all of those boxes, over"],
  ["Esc", "deselects, then drops suggestions, then returns from looking back"],
  ["Page up, down", "a closer look, as the wheel and two fingers do; arrows move when no box is selected, Home fits, End shows the original's pixels"],
  ...HELP.filter(([key]) => !["1 2 3 …", "z", "h", ".", ":", "*", "/, click", "Space", "#", "+ −"].includes(key)),
];
