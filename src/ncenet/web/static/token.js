// The secret by which the server knows us. It comes in the part of the link that a browser sends to nobody, and
// stays in this tab: unlike a cookie, it goes to no other port of the same machine.

const NAME = `ncenet/token${location.pathname}`; // one address may show several projects

function take() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem(NAME, given);
    history.replaceState(null, "", location.pathname);
  }
  return given ?? sessionStorage.getItem(NAME) ?? "";
}

const token = take();

/** Headers of a request that the page makes itself. */
export const asOurs = (headers = {}) => ({ ...headers, authorization: `Bearer ${token}` });

/** The address of a picture or a stream, which the browser asks for without headers. */
export const signed = (path) => `${path}?token=${encodeURIComponent(token)}`;
