/* Rows of a draft move, appear and are counted without a new page. Without scripts the same buttons ask the server. */
(() => {
  "use strict";

  const draft = document.getElementById("draft");
  if (!draft) return;

  const place = (row) => row.querySelector('input[name$="-place"]');

  const number = (rows) => {
    [...rows.children].forEach((row, index) => {
      place(row).value = index + 1;
    });
    draft.dispatchEvent(new CustomEvent("check"));
  };

  const move = (button) => {
    const row = button.closest("[data-row]");
    const other = button.dataset.move === "up" ? row.previousElementSibling : row.nextElementSibling;
    if (!other) return;
    other[button.dataset.move === "up" ? "before" : "after"](row);
    number(row.parentElement);
    button.focus();
  };

  const add = (button) => {
    const key = button.dataset.add;
    const total = draft.querySelector(`[name="${CSS.escape(key)}-TOTAL_FORMS"]`);
    const rows = draft.querySelector(`[data-rows="${CSS.escape(key)}"]`);
    const empty = draft.querySelector(`template[data-empty="${CSS.escape(key)}"]`);
    const holder = document.createElement("template");
    holder.innerHTML = empty.innerHTML.replaceAll("__prefix__", total.value);
    rows.append(holder.content);
    total.value = Number(total.value) + 1;
    number(rows);
    rows.lastElementChild.querySelector("select, textarea, input:not([type=hidden])").focus();
  };

  // What is worked out anew keeps what was unfolded.
  document.body.addEventListener("htmx:oobBeforeSwap", (event) => {
    const { target, fragment } = event.detail;
    const fresh = fragment.querySelectorAll("details");
    target.querySelectorAll("details").forEach((details, index) => {
      if (details.open && fresh[index]) fresh[index].open = true;
    });
  });

  draft.addEventListener("click", (event) => {
    const button = event.target.closest("[data-move], [data-add]");
    if (!button) return;
    event.preventDefault();
    (button.dataset.move ? move : add)(button);
  });
})();
