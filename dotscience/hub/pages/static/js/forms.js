// Forms and buttons that ask the Hub, as their markup says:
//   data-ask="PUT /api/…/{user}"   what is asked; {user} is the field of that name, the other fields are the body
//   data-body='{"is_active": false}'   the body, where there are no fields
//   data-sure="Really?"            what the reader must agree to first
//   data-then="/projects/{id}"     where to go on; {id} is a field of the answer. Else the page is loaded again
//   data-said="Saved."             stay here, and say so
//   data-show="id"                 stay here, and show that part with the answer in its [data-field]s
//   data-open="id", data-fill      opens a dialog, and fills its [data-filled]; data-close closes it
//   data-copy                      copies the <pre> before it
//   data-must-be="name"            a field that keeps the form's button disabled until it says that
import { ask, say } from "./hub.js";
import { showTimes } from "./times.js";

const filled = (template, values) => template.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(values[name] ?? ""));

/** The values of a form as JSON: ticks are truth values, dates moments, empty fields of data-empty="leave" left out. */
export function valuesOf(form) {
  const values = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled) continue;
    if (field.type === "checkbox") values[field.name] = field.checked;
    else if (field.value === "" && field.dataset.empty === "leave") continue;
    else if (field.type === "date") values[field.name] = new Date(`${field.value}T23:59:59`).toISOString();
    else values[field.name] = field.value;
  }
  return values;
}

function bodyOf(element, method, values, template) {
  if (element.dataset.body) return JSON.parse(element.dataset.body);
  if (method === "DELETE") return undefined;
  const inPath = new Set([...template.matchAll(/\{(\w+)\}/g)].map((match) => match[1]));
  const left = Object.entries(values).filter(([name]) => !inPath.has(name));
  return left.length ? Object.fromEntries(left) : undefined;
}

async function send(element, values) {
  const { sure, then, said, show } = element.dataset;
  if (sure && !confirm(sure)) return false;
  const space = element.dataset.ask.indexOf(" ");
  const method = element.dataset.ask.slice(0, space), template = element.dataset.ask.slice(space + 1);
  const problem = element.querySelector?.("[role=alert]");
  if (problem) problem.textContent = "";
  const controls = element.matches("form") ? [...element.querySelectorAll("button:not([disabled])")] : [element];
  for (const control of controls) control.disabled = true;
  try {
    const answer = await ask(method, filled(template, values), bodyOf(element, method, values, template));
    if (show) shown(document.getElementById(show), answer);
    else if (said) say(said);
    else if (then) location.assign(filled(then, answer ?? {}));
    else location.reload();
    return true;
  } catch (error) {
    if (problem) problem.textContent = error.message;
    else say(error.message);
    return false;
  } finally {
    for (const control of controls) control.disabled = false;
  }
}

function shown(part, answer) {
  for (const place of part.querySelectorAll("[data-field]")) place.textContent = answer[place.dataset.field] ?? "";
  part.hidden = false;
  part.scrollIntoView({ block: "nearest" });
}

async function copy(button) {
  const pre = button.previousElementSibling;
  try {
    await navigator.clipboard.writeText(pre.textContent);
    say("Copied.");
  } catch { // no permission, or no https: the reader copies what is selected
    getSelection().selectAllChildren(pre);
    say("Press Ctrl+C to copy.");
  }
}

document.addEventListener("submit", (event) => {
  if (!event.target.dataset.ask) return;
  event.preventDefault();
  send(event.target, valuesOf(event.target));
});

document.addEventListener("change", async (event) => {
  const field = event.target;
  if (!field.matches("select[data-ask]")) return;
  const before = [...field.options].findIndex((option) => option.defaultSelected);
  if (!(await send(field, { [field.name]: field.value }))) field.selectedIndex = before;
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.ask) send(button, {});
  else if (button.dataset.open) {
    const dialog = document.getElementById(button.dataset.open);
    const place = dialog.querySelector("[data-filled]");
    if (place) place.value = button.dataset.fill;
    dialog.showModal();
  } else if ("close" in button.dataset) button.closest("dialog").close();
  else if ("copy" in button.dataset) copy(button);
});

document.addEventListener("input", (event) => {
  const wanted = event.target.dataset.mustBe;
  if (wanted === undefined) return;
  for (const button of event.target.form.querySelectorAll("button")) button.disabled = event.target.value !== wanted;
});

showTimes(document);
