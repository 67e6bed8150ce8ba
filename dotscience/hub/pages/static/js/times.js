// Times on pages are UTC; here they become the reader's own, and recent ones say how long ago they were.

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

/** A moment as people say it: how long ago within a week, else the date. */
export function said(moment, now = Date.now()) {
  const seconds = (moment - now) / 1000;
  if (Math.abs(seconds) > 7 * 86400) return absolute.format(moment);
  const [unit, length] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? UNITS.at(-1);
  return relative.format(Math.trunc(seconds / length), unit);
}

/** Rewrite every <time> below a node. */
export function showTimes(node) {
  for (const each of node.querySelectorAll("time[datetime]")) {
    const moment = new Date(each.dateTime);
    if (Number.isNaN(moment.valueOf())) continue;
    each.textContent = said(moment);
    each.title = absolute.format(moment);
  }
}
