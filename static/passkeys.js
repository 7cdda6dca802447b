/* Passkeys need a script. Buttons are hidden until this browser can do it; allauth's script does the asking. */
(() => {
  "use strict";

  const canDo = Boolean(window.webauthnJSON?.supported() && window.allauth?.webauthn);
  const field = (form, name) => form.querySelector(`[name=${name}]`)?.id;

  const say = (form, words) => {
    const note = form.querySelector("[data-passkey-note]");
    note.textContent = words;
    note.hidden = false;
    note.focus();
  };

  const prepare = (form) => {
    const button = form.querySelector("[data-passkey-button]");
    const kind = form.dataset.passkey;
    const ids = { credential: field(form, "credential"), passwordless: field(form, "passwordless"), [kind]: button.id };
    if (document.getElementById("js_data")) ids.data = "js_data";
    window.allauth.webauthn.forms[`${kind}Form`]({ ids });
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      button.click();
    });
    button.addEventListener("click", () => {
      asking = form;
      form.querySelector("[data-passkey-note]").hidden = true;
    });
  };

  let asking = null;
  document.addEventListener("allauth.error", (event) => {
    event.preventDefault();
    if (asking) say(asking, asking.dataset.problem);
  });
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    if (canDo) prepare(form);
  }
  for (const note of document.querySelectorAll("[data-without-passkeys]")) note.hidden = canDo;
})();
