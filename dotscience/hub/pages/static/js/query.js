// The query box: completion of names, operators and functions (the combobox pattern of WAI-ARIA APG).

const OPERAND = /(?:[A-Za-z_]\w*\.\w+|[A-Za-z_]\w*\["(?:[^"\\]|\\.)*"\]|\b(?:id|status|mode|description|error|workload|workspace|started|ended|published|duration))$/;
const TOKEN = /(?:[A-Za-z_]\w*\["[^"]*|[A-Za-z_][\w.]*)$/;
const OPERATORS = ["== ", "!= ", "< ", "<= ", "> ", ">= ", "in [", "not in ["];
const FUNCTIONS = ['like(', 'upstream("', 'downstream("'];
const STATUSES = ["completed", "failed", "crashed", "killed", "running", "unpublished"];
const MOST = 12;

const JOINS = ["and ", "or "];
const COMPARED = /[=<>]\s*(?:"(?:[^"\\]|\\.)*"|[\w.+-]+)$/; // a comparison is complete
const MEMBER = /\bin\s+(?:\w+|\[[^\]]*\])$/; // so is a membership

/** What could stand at the end of a text: {from, options}; `from` is where the word begins that is completed. */
export function completions(text, { columns, sets }) {
  const here = (options) => ({ from: text.length, options });
  const isInText = text.replace(/"(?:[^"\\]|\\.)*"/g, "").includes('"') && !/\["[^"]*$/.test(text);
  if (isInText) return here([]);
  if (/\bstatus\s*[=!]=\s*$/.test(text)) return here(STATUSES.map((word) => `"${word}"`));
  if (/[=<>]\s*$/.test(text)) return here([]); // whatever the reader means
  const before = text.trimEnd();
  if (before !== text) {
    if (/\bin$/.test(before)) return here(sets);
    if (COMPARED.test(before) || MEMBER.test(before) || before.endsWith(")")) return here(JOINS);
    if (OPERAND.test(before)) return here(OPERATORS);
    if (before.endsWith('"')) return here(sets.map((set) => `in ${set}`));
  }
  const token = TOKEN.exec(text)?.[0] ?? "", isBegin = /(?:^|\(|\b(?:and|or|not)\s)\s*$/.test(text.slice(0, text.length - token.length));
  if (!token && !isBegin) return here([]);
  const wanted = token.toLowerCase();
  const all = isBegin ? [...columns, ...FUNCTIONS, "not "] : [...JOINS, "in ", "not in "];
  const rank = (one) => { const at = one.toLowerCase().indexOf(wanted); return at <= 0 ? at : '."['.includes(one[at - 1]) ? 1 : 2; };
  const fits = all.filter((one) => rank(one) >= 0 && one !== token).sort((a, b) => rank(a) - rank(b));
  return { from: text.length - token.length, options: fits.slice(0, MOST) };
}

/** Make an input a combobox. `words` resolves to {columns, sets}; `sent` is called with the query. */
export function queryBox(input, list, words, sent) {
  let found = { from: 0, options: [] }, active = -1;

  function close() {
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function choose(number) {
    active = number;
    [...list.children].forEach((option, at) => option.setAttribute("aria-selected", String(at === active)));
    const option = list.children[active];
    if (option) {
      input.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    } else input.removeAttribute("aria-activedescendant");
  }

  async function open() {
    const text = input.value.slice(0, input.selectionStart);
    found = completions(text, await words());
    list.replaceChildren(...found.options.map((text, number) => {
      const option = document.createElement("li");
      Object.assign(option, { id: `query-option-${number}`, role: "option", textContent: text });
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      option.addEventListener("mousedown", (event) => { event.preventDefault(); take(number); });
      return option;
    }));
    if (found.options.length === 0 || document.activeElement !== input) return close();
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    choose(-1);
  }

  function take(number) {
    const word = found.options[number], end = input.selectionStart;
    input.setRangeText(word, found.from, end, "end");
    close();
    input.dispatchEvent(new Event("input"));
  }

  input.addEventListener("input", open);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    const isOpen = !list.hidden, last = list.children.length - 1;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen) return void open();
      const step = event.key === "ArrowDown" ? 1 : -1;
      choose(active + step > last ? 0 : active + step < 0 ? last : active + step);
    } else if (event.key === "Enter" && isOpen && active >= 0) {
      event.preventDefault();
      take(active);
    } else if (event.key === "Escape" && isOpen) {
      event.preventDefault();
      close();
    }
  });
  input.form.addEventListener("submit", (event) => {
    event.preventDefault();
    close();
    sent(input.value);
  });
}
