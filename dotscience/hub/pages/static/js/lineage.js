// Looking at a box shows what it is joined to, and says below the drawing what hovering would tell.

const drawing = document.querySelector(".drawing");
const details = document.getElementById("details");

function look(box) {
  const key = box.dataset.key;
  drawing.classList.add("looking");
  for (const arrow of drawing.querySelectorAll(".arrows path")) {
    arrow.classList.toggle("near", arrow.dataset.from === key || arrow.dataset.to === key);
  }
  details.textContent = box.querySelector("title")?.textContent ?? "";
  if (box.dataset.page) {
    const open = document.createElement("a");
    open.href = box.dataset.page;
    open.textContent = "Open the run";
    details.append("\n", open);
  }
  details.hidden = false;
}

function leave() {
  drawing.classList.remove("looking");
  for (const arrow of drawing.querySelectorAll(".near")) arrow.classList.remove("near");
}

for (const box of drawing.querySelectorAll(".box")) {
  box.addEventListener("pointerenter", () => look(box));
  box.addEventListener("pointerleave", leave);
  box.addEventListener("focusin", () => look(box));
  box.addEventListener("focusout", leave);
}

// Begin where the question is.
const asked = drawing.querySelector(".box.asked");
if (asked) {
  const place = asked.getBoundingClientRect(), frame = drawing.getBoundingClientRect();
  drawing.scrollLeft += place.left - frame.left - frame.width / 2 + place.width / 2;
  drawing.scrollTop += place.top - frame.top - frame.height / 2 + place.height / 2;
}
