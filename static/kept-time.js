/* A time that is kept while a form is open: counts down, and is given back when the page is left without booking. */
(() => {
  "use strict";

  let isSent = false;
  let until = 0;
  let counted = null;

  const kept = () => document.getElementById("kept");

  const inWords = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

  const show = () => {
    const left = kept()?.querySelector("[data-left]");
    if (!left) return;
    const seconds = Math.max(Math.round((until - Date.now()) / 1000), 0);
    left.hidden = seconds === 0;
    left.textContent = left.dataset.words.replace("[time]", inWords(seconds));
    kept().querySelector("[data-over]").hidden = seconds > 0;
  };

  const begin = () => {
    const seconds = kept()?.dataset.seconds;
    if (seconds === undefined || kept() === counted) return;
    counted = kept();
    until = Date.now() + Number(seconds) * 1000;
    show();
  };

  /* Whoever leaves without booking keeps nobody else waiting. */
  const giveBack = () => {
    const address = kept()?.dataset.release;
    if (!address || isSent) return;
    const form = kept().closest("form");
    const body = new FormData();
    body.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    body.set("quietly", "1");
    navigator.sendBeacon(address, body);
  };

  const comeBack = (event) => {
    isSent = false;
    if (!event.persisted || !kept()?.dataset.release) return;
    window.htmx.ajax("POST", window.location.href, { source: kept(), target: "#kept", swap: "outerHTML", values: { keep: "1" } });
  };

  document.addEventListener("submit", (event) => {
    if (event.target.contains(kept())) isSent = true;
  });
  document.addEventListener("htmx:afterSettle", begin);
  window.addEventListener("pagehide", giveBack);
  window.addEventListener("pageshow", comeBack);
  window.setInterval(show, 1000);
  begin();
})();
