// The start page of several projects under one address.

import { $, counted, make, number } from "./dom.js";
import { asOurs } from "./token.js";

async function show() {
  const response = await fetch("api/projects", { headers: asOurs(), credentials: "omit" });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  const items = answer.projects.map(({ link, title, folder, classes, images, answered }) =>
    make("li", {}, make("a", { href: link }, make("strong", {}, title), make("span", { className: "faint" }, classes.join(", ") || "no classes yet"),
      make("progress", { max: Math.max(1, images), value: answered, "aria-label": "Answered" }), make("span", { className: "faint" }, `${number(answered)} of ${counted(images, "image")} answered · ${folder}`))));
  $("projects").replaceChildren(...items);
}

document.documentElement.dataset.theme = localStorage.getItem("ncenet/theme") ?? "auto";
show().catch((error) => {
  $("empty").hidden = false;
  $("empty").textContent = error.message;
});
