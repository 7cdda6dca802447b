/* A month of free starts, people by days: a number opens the times of that day, and a time leads to the booking page.
   Nothing needs it: the list of the week below says the same. */
(() => {
  "use strict";

  const month = document.getElementById("month");
  if (!month) return;

  const DAYS = 28;
  const MANY = 8;
  const grid = month.querySelector(".month-grid");
  const times = document.getElementById("month-times");
  /* English without a country is written as the pages write it: the day before the month. */
  const language = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
  const today = month.dataset.first;
  let first = month.dataset.first;
  let asked = 0;

  const element = (name, text = "", attributes = {}) => {
    const made = document.createElement(name);
    made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };

  const fill = (words, values) => words.replace(/\{(\w+)\}/g, (_, name) => values[name]);

  /* Dates of the wall calendar are handled as midnight UTC, which has no clock changes. */
  const plus = (day, count) => new Date(Date.parse(`${day}T00:00Z`) + count * 86400000).toISOString().slice(0, 10);
  const inWords = (day, options) =>
    new Intl.DateTimeFormat(language, { timeZone: "UTC", ...options }).format(new Date(`${day}T00:00Z`));
  const longDay = (day) => inWords(day, { weekday: "long", day: "numeric", month: "long" });

  const query = () => {
    const page = new URLSearchParams(location.search);
    const wanted = new URLSearchParams();
    for (const name of ["service", "location", "practitioner", "room", "device", "channel"]) {
      if (page.get(name)) wanted.set(name, page.get(name));
    }
    wanted.set("from", first);
    wanted.set("until", plus(first, DAYS - 1));
    return wanted;
  };

  const booking = (minute, person) => {
    const wanted = new URLSearchParams(location.search);
    for (const name of ["day", "ask_day", "ask_time"]) wanted.delete(name);
    if (person) wanted.set("practitioner", person);
    wanted.set("start", new Date(minute * 60000).toISOString());
    return `${month.dataset.book}?${wanted}`;
  };

  /* person -> day -> the minutes of its starts; several people together are "" and have each start once. */
  const byDay = (found) => {
    const dayOf = new Intl.DateTimeFormat("en-CA", { timeZone: found.zone });
    const rows = new Map(Object.entries(found.starts));
    if (rows.size > 1) {
      const all = new Set([...rows.values()].flat());
      rows.set("", [...all].sort((one, other) => one - other));
    }
    return new Map(
      [...rows].map(([person, minutes]) => {
        const days = new Map();
        for (const minute of minutes) {
          const day = dayOf.format(minute * 60000);
          if (!days.has(day)) days.set(day, []);
          days.get(day).push(minute);
        }
        return [person, days];
      }),
    );
  };

  const showTimes = (button, who, day, minutes, person, zone) => {
    for (const each of grid.querySelectorAll("[aria-pressed=true]")) each.setAttribute("aria-pressed", "false");
    button.setAttribute("aria-pressed", "true");
    const clock = new Intl.DateTimeFormat(language, { timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    const title = [fill(month.dataset.times, { day: longDay(day) }), who].filter(Boolean).join(" · ");
    const list = element("ul", "", { class: "slots" });
    for (const minute of minutes) {
      const line = element("li");
      line.append(element("a", clock.format(minute * 60000), { class: "slot", href: booking(minute, person) }));
      list.append(line);
    }
    times.replaceChildren(element("h3", title, { class: "slot-day" }), list);
  };

  const cell = (person, who, day, minutes, zone) => {
    const made = element("td", minutes ? "" : "·");
    if (!minutes) return made;
    const label = fill(month.dataset.free, { who, day: longDay(day), count: minutes.length });
    const button = element("button", String(minutes.length), { type: "button", tabindex: "-1", "aria-pressed": "false", "aria-label": label });
    button.classList.toggle("is-many", minutes.length >= MANY);
    button.addEventListener("click", () => showTimes(button, who, day, minutes, person, zone));
    made.append(button);
    return made;
  };

  const heading = (days) => {
    const row = element("tr");
    row.append(element("td"));
    for (const day of days) {
      const head = element("th", inWords(day, { day: "numeric" }), { scope: "col" });
      head.prepend(element("small", inWords(day, { weekday: "short" })));
      row.append(head);
    }
    const part = element("thead");
    part.append(row);
    return part;
  };

  const draw = (found) => {
    const days = Array.from({ length: DAYS }, (_, number) => plus(first, number));
    const rows = byDay(found);
    const body = element("tbody");
    const order = [...rows.keys()].sort((one, other) => (one && other ? found.people[one].localeCompare(found.people[other]) : one ? 1 : -1));
    for (const person of order) {
      const who = month.dataset.alone || found.people[person] || month.dataset.anyone;
      const row = element("tr");
      row.append(element("th", who, { scope: "row", title: who }));
      for (const day of days) row.append(cell(person, who, day, rows.get(person).get(day), found.zone));
      body.append(row);
    }
    grid.replaceChildren(heading(days), body);
    const button = grid.querySelector("button");
    if (button) button.tabIndex = 0;
    else times.replaceChildren(element("p", month.dataset.empty, { class: "quiet" }));
  };

  const failed = () => {
    grid.replaceChildren();
    times.replaceChildren(element("p", month.dataset.failed, { role: "alert" }));
  };

  const load = async () => {
    const mine = ++asked;
    month.setAttribute("aria-busy", "true");
    const options = { day: "numeric", month: "long" };
    document.getElementById("month-days").textContent = `${inWords(first, options)} – ${inWords(plus(first, DAYS - 1), options)}`;
    month.querySelector("[data-step='-28']").disabled = first <= today;
    times.replaceChildren();
    try {
      const answer = await fetch(`${month.dataset.starts}?${query()}`, { headers: { Accept: "application/json" } });
      if (mine !== asked) return;
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      draw(await answer.json());
    } catch {
      failed();
    }
    month.setAttribute("aria-busy", "false");
  };

  /* One stop for the tab key; arrows go to the next number of the row or of the column. */
  const move = (event) => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    const here = event.target.closest("td");
    if (!step || !here) return;
    event.preventDefault();
    const rows = [...grid.tBodies[0].rows];
    let [row, column] = [rows.indexOf(here.parentElement) + step[0], here.cellIndex + step[1]];
    while (rows[row]?.cells[column]) {
      const next = rows[row].cells[column].querySelector("button");
      if (next) {
        event.target.tabIndex = -1;
        next.tabIndex = 0;
        next.focus();
        return;
      }
      row += step[0];
      column += step[1];
    }
  };

  for (const button of month.querySelectorAll("[data-step]")) {
    button.addEventListener("click", () => {
      first = plus(first, Number(button.dataset.step));
      if (first < today) first = today;
      load();
    });
  }
  grid.addEventListener("keydown", move);
  month.hidden = false;
  load();
})();
