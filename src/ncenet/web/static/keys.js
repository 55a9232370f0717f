// Which key is which class: digits for the first ten, and a letter of its own for each. A class that is called
// by a digit or a letter has that key.

/** Keys that mean something else. */
export const RESERVED = "suzbnhwg";

/** One `{name, digit, letter}` for each class; a class may have only one of the two, or neither. */
export function assign(names) {
  const taken = new Set(RESERVED);
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
  ["n", "new class"],
  ["g", "look over past answers"],
  ["?", "these keys"],
];
