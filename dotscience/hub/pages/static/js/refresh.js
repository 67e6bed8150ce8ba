// Parts of a page, loaded anew: the server writes all HTML, and what has not changed stays as it is.
import { showTimes } from "./times.js";

const REACHED = "a[href], button, input, select, summary";

/** Load a page as a document; `ok` is false where the Hub had something to say against it. */
export async function load(address, signal) {
  const response = await fetch(address, { headers: { Accept: "text/html" }, signal });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  return { ok: response.ok, status: response.status, page };
}

/** Put what a new node holds into an old one, unless it holds that already. The focus stays where it was. */
export function put(old, fresh) {
  const mine = document.importNode(fresh, true);
  showTimes(mine);
  if (mine.innerHTML === old.innerHTML) return;
  const focused = old.contains(document.activeElement) ? [...old.querySelectorAll(REACHED)].indexOf(document.activeElement) : -1;
  old.replaceChildren(...mine.childNodes);
  if (focused >= 0) old.querySelectorAll(REACHED)[focused]?.focus({ preventScroll: true });
}

/** Load a page anew and put its parts in place. */
export async function refresh(address, selectors) {
  const { ok, page } = await load(address).catch(() => ({}));
  if (!ok) return;
  for (const selector of selectors) {
    const old = document.querySelector(selector), fresh = page.querySelector(selector);
    if (old && fresh) put(old, fresh);
  }
}
