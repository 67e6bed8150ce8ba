// Asking the Hub: JSON in and out, the token of the session on everything that changes something, problems as errors.

const token = document.querySelector('meta[name="csrf-token"]')?.content ?? "";

/** A problem that the Hub answered with (RFC 9457). */
export class Problem extends Error {
  constructor(status, document) {
    super(document.detail ?? `The Hub answered ${status}.`);
    this.status = status;
    this.document = document;
  }
}

/** Ask for JSON. `ask("PUT", "/api/…", {role: "editor"})` resolves to the answer, or to null where there is none. */
export async function ask(method, path, body, { signal, headers = {} } = {}) {
  const response = await fetch(path, {
    method,
    signal,
    headers: { Accept: "application/json", "X-CSRF-Token": token, ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (response.status === 204 || response.status === 304) return null;
  const said = await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem(response.status, said);
  return said;
}

/** A random UUID; `randomUUID` is there on https and on this machine only. */
export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((each) => each.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** Say something to the reader, also to one who listens. */
export function say(text) {
  const place = document.getElementById("said");
  place.textContent = text;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { place.textContent = ""; }, 6000);
}

/**
 * Ask again and again while the page is looked at, and hand over what has changed. The Hub answers 304 where nothing has.
 * It begins with what the page shows, where the page says its ETag (see render.py), else with the first answer.
 */
export function watch(path, changed, { every = 2000 } = {}) {
  let etag = document.querySelector("link[rel=alternate]")?.dataset.etag ?? null, isFirst = etag === null, stopped = false;
  async function look() {
    if (!document.hidden) {
      try {
        const response = await fetch(path, { headers: { Accept: "application/json", ...(etag ? { "If-None-Match": etag } : {}) } });
        if (response.ok) {
          const isNew = !isFirst;
          isFirst = false;
          etag = response.headers.get("ETag");
          const said = await response.json();
          if (isNew) await changed(said);
        }
      } catch { /* the Hub is away: the next look may find it */ }
    }
    if (!stopped) setTimeout(look, every);
  }
  look();
  return () => { stopped = true; };
}
