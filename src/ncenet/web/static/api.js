// Talking to the server.

import { asOurs, signed } from "./token.js";

const AGAIN_MS = 1000;

/** The server said no, and why: asking again would not help. */
export class Refused extends Error {}

/** What was sent can't be what it should be, however often it is sent. */
export class Malformed extends Refused {}

async function call(path, message, more = {}) {
  const response = await fetch(path, {
    method: message === undefined ? "GET" : "POST",
    headers: asOurs(message === undefined ? {} : { "content-type": "application/json" }),
    body: message === undefined ? undefined : JSON.stringify(message),
    credentials: "omit",
    ...more,
  });
  const answer = await response.json().catch(() => ({ error: response.statusText }));
  if (response.ok) return answer;
  if (response.status === 401) dispatchEvent(new CustomEvent("ncenet-shut-out", { detail: answer.error }));
  // 5xx, and what a proxy says in the place of a server that is away, are worth another try.
  if (response.status >= 500) throw new Error(answer.error);
  throw response.status === 422 ? new Malformed(answer.error) : new Refused(answer.error);
}

export const state = () => call("api/state");
export const turns = (message) => call("api/turns", message);
/** Give back the images of a window that is being closed. */
export const leave = (message) => call("api/turns", { ...message, holding: [], want: 0 }, { keepalive: true }).catch(() => {});
export const answers = (message) => call("api/answers", message);
export const addClass = (message) => call("api/classes", message);
export const changeClasses = (message) => call("api/classes/change", message);
export const why = (id) => call("api/why", { id });
export const sort = (message) => call("api/sort", message);
export const group = (message) => call("api/group", message);
export const pool = (message) => call("api/pool", message);
export const near = (id) => call("api/near", { id });
export const said = (id) => call("api/said", { id });
export const details = (id) => call("api/details", { id });
export const note = (message) => call("api/note", message);
export const sheet = (message) => call("api/sheet", message);
export const mine = (who, limit = 50) => call("api/mine", { who, limit });

/** Listen to the states of the run, for ever; a proxy in front of a server that is away ends a stream for good. */
export function listen(onState, onLink, onTrouble) {
  const source = new EventSource(signed("api/events"));
  source.onmessage = (event) => onState(JSON.parse(event.data));
  source.addEventListener("trouble", (event) => onTrouble(JSON.parse(event.data).error));
  source.onopen = () => onLink(true);
  source.onerror = () => {
    onLink(false);
    if (source.readyState !== EventSource.CLOSED) return; // the browser connects again by itself
    const again = () => setTimeout(() => listen(onState, onLink, onTrouble), AGAIN_MS);
    state().then(again, (error) => error instanceof Refused || again());
  };
}
