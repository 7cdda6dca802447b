/* The portal without scripts names the clinic's time zone at every time; here that goes where it says nothing new. */
(() => {
  "use strict";

  const wall = (moment, timeZone) =>
    new Intl.DateTimeFormat("en-GB", { timeZone, dateStyle: "short", timeStyle: "short" }).format(moment);

  for (const note of document.querySelectorAll(".portal-zone")) {
    const moment = new Date(note.dataset.at);
    try {
      note.hidden = wall(moment, note.dataset.zone) === wall(moment, undefined);
    } catch {
      /* A browser that does not know the zone: the note stays. */
    }
  }
})();
