/* What a page gains when scripts run: keyboard shortcuts, focus on errors, menus that close. Nothing needs it. */
(() => {
  "use strict";

  const keys = document.getElementById("keys");
  const keysOn = document.getElementById("keys-on");
  const search = document.getElementById("bar-search");
  const STORED = "cadence-keys";

  const stored = () => {
    try {
      return localStorage.getItem(STORED) !== "off";
    } catch {
      return true;
    }
  };

  const store = (on) => {
    try {
      localStorage.setItem(STORED, on ? "on" : "off");
    } catch {
      /* Storage is switched off: the choice lasts until the page is left. */
    }
  };

  const isTyping = (element) =>
    element.isContentEditable || element.closest("input, textarea, select, [role=textbox], [role=slider], dialog[open]");

  const press = (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
    if (event.key === "?" && keys) {
      keys.showModal();
    } else if (!keysOn?.checked) {
      return;
    } else if (event.key === "/" && search) {
      search.focus();
      search.select();
    } else {
      const link = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
      if (!link) return;
      link.click();
    }
    event.preventDefault();
  };

  const focusAlert = (within) => {
    const alert = within.querySelector?.("[role=alert]:not([data-sample] *)");
    if (!alert || alert.contains(document.activeElement)) return;
    alert.tabIndex = -1;
    alert.focus();
  };

  const say = (words) => {
    const note = document.createElement("div");
    note.className = "note tone-stop";
    note.setAttribute("role", "alert");
    const text = document.createElement("p");
    text.textContent = words;
    note.append(document.createElement("span"), text);
    const messages = document.getElementById("messages");
    messages?.replaceChildren(note);
    focusAlert(messages ?? document);
  };

  const closeMenus = (except) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(except)) menu.open = false;
    }
  };

  /* A sign-in in another tab changes the token that this page's forms carry. */
  const freshToken = (event) => {
    const field = event.target.querySelector?.("input[name=csrfmiddlewaretoken]");
    const cookie = /(?:^|; )csrftoken=([^;]+)/.exec(document.cookie);
    if (field && cookie) field.value = cookie[1];
  };

  if (keysOn) {
    keysOn.checked = stored();
    keysOn.addEventListener("change", () => store(keysOn.checked));
  }
  for (const opener of document.querySelectorAll("[data-opens]")) {
    opener.hidden = false;
    opener.addEventListener("click", () => {
      closeMenus(null);
      document.getElementById(opener.dataset.opens).showModal();
    });
  }
  for (const printer of document.querySelectorAll("[data-prints]")) {
    printer.hidden = false;
    printer.addEventListener("click", () => window.print());
  }
  /* The clinic's zone is worth a word only where the browser lives in another one. */
  const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const zone of document.querySelectorAll("[data-zone]")) zone.hidden = zone.dataset.zone === ownZone;
  document.addEventListener("keydown", press);
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && event.target.closest("details.menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  document.addEventListener("click", (event) => closeMenus(event.target));
  document.addEventListener("submit", freshToken, true);
  document.addEventListener("htmx:afterSettle", (event) => focusAlert(event.target));
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!event.detail.xhr.responseURL.includes("/account/login/")) return;
    event.detail.shouldSwap = false;
    say(keys.dataset.signedOut);
  });
  document.addEventListener("htmx:responseError", () => say(keys.dataset.problem));
  document.addEventListener("htmx:sendError", () => say(keys.dataset.offline));
  focusAlert(document);
})();
