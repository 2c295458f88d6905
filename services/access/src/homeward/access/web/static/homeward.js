// What pages do beyond forms and links. Every page works without it.
"use strict";

/**
 * Tell people who do not see the page what has changed.
 * @param {string} words
 */
function announce(words) {
  const place = document.getElementById("announcer");
  if (place && place.textContent !== words) place.textContent = words;
}

/** Lead to the summary of a form's errors, so that it is read first. */
function focusSummary() {
  const summary = document.querySelector("[data-focus]");
  if (summary instanceof HTMLElement) summary.focus();
}

/** A form is sent once, however often its button is pressed. */
function sendOnce() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || event.defaultPrevented || form.method !== "post") return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    const button = event.submitter;
    if (button) button.setAttribute("aria-disabled", "true");
  });
  // A page that the browser shows again from memory may be sent again.
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) {
      if (!(form instanceof HTMLFormElement)) continue;
      delete form.dataset.sent;
      for (const button of form.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
    }
  });
}

focusSummary();
sendOnce();
