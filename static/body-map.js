/* Areas on the body: a line of the list lights its zone and a zone its line; on a form a click on a zone ticks its box.
   Nothing needs it: the list says and does the same. */

const partOf = (target) => target.closest?.(".body-map [data-area]");

const partsLike = (part) =>
  part.closest(".body-map").querySelectorAll(`[data-area="${CSS.escape(part.dataset.area)}"]`);

const unlight = () => {
  for (const lit of document.querySelectorAll(".body-map .is-lit")) lit.classList.remove("is-lit");
};

const light = (event) => {
  unlight();
  const part = partOf(event.target) ?? partOf(document.activeElement);
  if (part) for (const each of partsLike(part)) each.classList.add("is-lit");
};

const show = (box) => {
  const row = partOf(box);
  if (row) for (const each of partsLike(row)) each.classList.toggle("is-chosen", box.checked);
};

const showAll = () => {
  for (const box of document.querySelectorAll(".body-map.is-choice input[type=checkbox]")) show(box);
};

document.addEventListener("pointerover", light);
document.addEventListener("focusin", light);
document.addEventListener("focusout", unlight);
document.addEventListener("change", (event) => {
  if (event.target.matches(".body-map.is-choice input[type=checkbox]")) show(event.target);
});
document.addEventListener("click", (event) => {
  const part = partOf(event.target);
  if (!part?.closest("svg")) return;
  const control = [...partsLike(part)].map((each) => each.querySelector("input") ?? each).find((each) => each.matches("input, a"));
  if (control?.matches("input")) control.click();
  else control?.focus();
});
window.addEventListener("pageshow", showAll);
showAll();
light({ target: document.body }); // somebody may have moved the focus while the page was still loading
