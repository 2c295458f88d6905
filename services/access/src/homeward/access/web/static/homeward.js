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

/**
 * Count down what ends soon, each second, and say so aloud when little is left.
 */
function countDown() {
  const spoken = [600, 300, 60];
  /** @param {number} seconds */
  const shown = (seconds) => {
    const two = (/** @type {number} */ part) => String(part).padStart(2, "0");
    const minutes = Math.floor(seconds / 60) % 60;
    const hours = Math.floor(seconds / 3600);
    return (hours ? `${hours}:${two(minutes)}` : String(minutes)) + `:${two(seconds % 60)}`;
  };
  function tick() {
    for (const clock of document.querySelectorAll("[data-until]")) {
      if (!(clock instanceof HTMLElement)) continue;
      const left = Math.floor((Date.parse(clock.dataset.until || "") - Date.now()) / 1000);
      if (Number.isNaN(left)) continue;
      clock.textContent = shown(Math.max(0, left));
      clock.classList.toggle("is-near", left < 300);
      if (spoken.includes(left)) announce(clock.textContent);
      if (left === -3 && clock.classList.contains("alarm-clock")) location.reload();
    }
  }
  if (document.querySelector("[data-until]")) tick();
  setInterval(tick, 1000);
}

/** Lists renew themselves only while somebody is at the screen: else no session would ever end by itself. */
function restWhenLeft() {
  const rest = 5 * 60 * 1000;
  let seen = Date.now();
  for (const kind of ["pointerdown", "pointermove", "keydown", "scroll"]) {
    document.addEventListener(kind, () => { seen = Date.now(); }, { passive: true });
  }
  document.addEventListener("htmx:beforeRequest", (event) => {
    const part = event.target;
    if (!(part instanceof Element) || !(part.getAttribute("hx-trigger") || "").startsWith("every")) return;
    // Nor is a part renewed in which somebody is at work.
    if (Date.now() - seen > rest || document.hidden || part.contains(document.activeElement)) event.preventDefault();
  });
}

/**
 * A picture is fetched when somebody asks for it, never by showing the page: each look is recorded. Without script the
 * link opens the picture alone.
 */
function lookInPlace() {
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[data-look]") : null;
    if (!(link instanceof HTMLAnchorElement) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const picture = document.createElement("img");
    picture.alt = link.dataset.look || "";
    picture.tabIndex = -1;
    picture.src = link.href;
    link.replaceWith(picture);
    picture.focus();
  });
}

/**
 * Give a plan of the site its picture's own proportions: pages are made without looking into the picture, on a grid of
 * 1000 by 1000.
 */
function fitPlans() {
  for (const plan of document.querySelectorAll("svg.plan-picture")) {
    const image = plan.querySelector("image");
    const address = image && image.getAttribute("href");
    if (!(plan instanceof SVGSVGElement) || !image || !address) continue;
    const picture = new Image();
    picture.addEventListener("load", () => {
      const share = picture.naturalHeight / picture.naturalWidth;
      if (!Number.isFinite(share) || share <= 0) return;
      plan.setAttribute("viewBox", `0 0 1000 ${1000 * share}`);
      plan.style.aspectRatio = `${picture.naturalWidth} / ${picture.naturalHeight}`;
      image.setAttribute("height", String(1000 * share));
      for (const one of plan.querySelectorAll("[cy], text[y]")) {
        const name = one.hasAttribute("cy") ? "cy" : "y";
        one.setAttribute(name, String(Number(one.getAttribute(name)) * share));
      }
    });
    picture.src = address;
  }
}

focusSummary();
sendOnce();
fitPlans();
lookInPlace();
countDown();
restWhenLeft();
