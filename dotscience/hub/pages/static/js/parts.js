// What a page loads when a reader opens it: sources, previews, lists. The server writes all HTML.
import { say } from "./hub.js";
import { load } from "./refresh.js";
import { showTimes } from "./times.js";

/** Load a fragment of HTML into a node. */
export async function fill(node, address) {
  node.setAttribute("aria-busy", "true");
  try {
    const { ok, page } = await load(address);
    if (!ok) throw new Error(page.querySelector("main p")?.textContent ?? "It could not be loaded.");
    node.replaceChildren(...[...page.body.childNodes].map((each) => document.importNode(each, true)));
    showTimes(node);
  } catch (error) {
    node.textContent = error.message;
  } finally {
    node.removeAttribute("aria-busy");
  }
}

function open(details) {
  const place = details.querySelector(":scope > .loaded");
  if (!details.open || place.dataset.asked) return;
  place.dataset.asked = "yes";
  fill(place, details.dataset.load);
}

async function toggle(button) {
  const row = button.closest("tr"), shown = button.getAttribute("aria-expanded") === "true";
  button.setAttribute("aria-expanded", String(!shown));
  if (shown) return row.nextElementSibling.remove();
  const place = document.createElement("td");
  place.colSpan = row.children.length;
  const fresh = document.createElement("tr");
  fresh.className = "preview";
  fresh.append(place);
  row.after(fresh);
  await fill(place, button.dataset.preview);
}

async function showAll(button) {
  button.disabled = true;
  const place = document.getElementById(button.dataset.into);
  await fill(place, button.dataset.all);
  say(button.dataset.said ?? "All files are listed.");
}

/** Let everything below a node be opened, now and later. */
export function openable(root) {
  root.addEventListener("toggle", (event) => { if (event.target.matches?.("details[data-load]")) open(event.target); }, true);
  root.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-preview], button[data-all]");
    if (button) (button.dataset.preview ? toggle : showAll)(button);
  });
  root.addEventListener("input", (event) => {
    if (!event.target.matches("[data-filter]")) return;
    const wanted = event.target.value.trim().toLowerCase();
    for (const each of event.target.closest(".loaded").querySelectorAll("li")) each.hidden = !each.textContent.toLowerCase().includes(wanted);
  });
  for (const each of root.querySelectorAll("details[data-eager]")) each.open = true;
}
