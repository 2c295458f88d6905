// Receipts: the code's secret moves from the address into the form, and a receipt is printed.
"use strict";

/** The part of an address behind the `#` is sent to nobody; it leaves the address bar and the history at once. */
function fillFromCode() {
  const form = document.querySelector("form[data-receipt]");
  const code = location.hash.slice(1);
  if (!form || !code) return;
  history.replaceState(null, "", location.pathname);
  const cut = code.indexOf(".");
  if (cut < 1) return;
  for (const [name, value] of [["reference", code.slice(0, cut)], ["secret", code.slice(cut + 1)]]) {
    const input = form.querySelector(`input[name="${name}"]`);
    if (input instanceof HTMLInputElement) input.value = decodeURIComponent(value);
  }
  const button = form.querySelector("button");
  if (button) button.focus();
}

/** The page with the secret came from a form; to load it anew shows the request instead of sending the form again. */
function leadOn() {
  const place = document.querySelector("[data-shown-once]");
  if (place) history.replaceState(null, "", place.getAttribute("data-shown-once"));
}

function print() {
  for (const button of document.querySelectorAll("[data-print]")) {
    button.removeAttribute("hidden");
    button.addEventListener("click", () => window.print());
  }
}

fillFromCode();
leadOn();
print();
