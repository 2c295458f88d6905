// Review: answers by a key, and a list that follows its search. Every page works without it.
"use strict";

/** @type {Readonly<Record<string, string>>} */
const CHOICE = Object.freeze({ store: "homeward.review.keys", off: "off" });

/** Keys answer where somebody wants them to: a key pressed by mistake, or by a voice, is an answer too. */
function answerByKeys() {
  const form = document.querySelector("form[data-answers]");
  if (!(form instanceof HTMLFormElement)) return;
  const choice = form.querySelector("[data-keys]");
  if (!(choice instanceof HTMLInputElement)) return;
  choice.checked = localStorage.getItem(CHOICE.store) !== CHOICE.off;
  const row = choice.closest("label");
  if (row) row.hidden = false;
  choice.addEventListener("change", () => {
    if (choice.checked) localStorage.removeItem(CHOICE.store);
    else localStorage.setItem(CHOICE.store, CHOICE.off);
  });
  document.addEventListener("keydown", (event) => {
    if (!choice.checked || event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const place = event.target;
    const writes = place instanceof HTMLElement && place.closest("input:not([type=checkbox]), textarea, select");
    if (writes) return;
    const button = form.querySelector(`button[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
    if (!(button instanceof HTMLButtonElement)) return;
    event.preventDefault();
    form.requestSubmit(button);
  });
}

/** Follow a search: whatever is new has the list fetched anew, once in two seconds at most. */
function follow() {
  const place = document.querySelector("[data-follow]");
  if (!(place instanceof HTMLElement) || !place.dataset.follow) return;
  const words = place.querySelector("[data-words]");
  /** @param {string | undefined} text */
  const say = (text) => {
    if (words && text) words.textContent = text;
    const announcer = document.getElementById("announcer");
    if (announcer && text && announcer.textContent !== text) announcer.textContent = text;
  };
  const source = new EventSource(place.dataset.follow);
  /** @type {number | undefined} */
  let waiting;
  // The first events tell what the page shows already.
  let caughtUp = false;
  const fetchList = () => {
    if (!caughtUp || waiting !== undefined) return;
    waiting = window.setTimeout(() => {
      waiting = undefined;
      say(place.dataset.new);
      document.body.dispatchEvent(new Event("homeward-news"));
    }, 2000);
  };
  source.addEventListener("open", () => {
    place.classList.add("is-live");
    window.setTimeout(() => { caughtUp = true; }, 1000);
  });
  source.addEventListener("error", () => place.classList.remove("is-live"));
  for (const name of ["sighting", "progress", "reload"]) source.addEventListener(name, fetchList);
  source.addEventListener("ended", (event) => {
    const why = JSON.parse(event.data).why;
    place.classList.remove("is-live");
    source.close();
    if (why === "search") window.location.reload();
    else say(place.dataset.lost);
  });
  window.addEventListener("pagehide", () => source.close());
}

answerByKeys();
follow();
