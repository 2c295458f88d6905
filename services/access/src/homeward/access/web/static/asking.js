// Forms of requests: chosen photos are shown before they are sent, and long lists of cameras are narrowed.
"use strict";

/** @param {HTMLInputElement} input */
function previewPhoto(input) {
  const row = input.closest(".photo-row");
  const frame = row && row.querySelector("[data-photo-frame]");
  if (!frame) return;
  const empty = frame.innerHTML;
  /** @type {string | null} */
  let address = null;
  input.addEventListener("change", () => {
    if (address) URL.revokeObjectURL(address);
    address = null;
    const file = input.files && input.files[0];
    if (!file) {
      frame.innerHTML = empty;
      return;
    }
    // The photo stays in the browser until the form is sent.
    address = URL.createObjectURL(file);
    const picture = document.createElement("img");
    picture.alt = "";
    picture.src = address;
    picture.addEventListener("error", () => { frame.innerHTML = empty; });
    frame.replaceChildren(picture);
    const day = row.querySelector('input[type="date"]');
    // A phone's file bears the day on which it was written, which is mostly the day on which the photo was taken.
    if (day instanceof HTMLInputElement && !day.value && file.lastModified) {
      day.value = new Date(file.lastModified - new Date().getTimezoneOffset() * 60000).toISOString().slice(0, 10);
    }
  });
}

/** @param {Element} picker */
function narrowCameras(picker) {
  const cameras = [...picker.querySelectorAll(".picker-camera")];
  /** @param {Element} camera */
  const box = (camera) => /** @type {HTMLInputElement} */ (camera.querySelector("input"));
  const words = picker.querySelector("[data-picker-words]");
  const count = picker.querySelector("[data-picker-count]");
  const nothing = picker.querySelector("[data-picker-nothing]");
  const most = Number(picker.getAttribute("data-most")) || Infinity;

  function tell() {
    if (!(count instanceof HTMLElement)) return;
    const ticked = cameras.filter((camera) => box(camera).checked).length;
    const text = (ticked > most ? count.dataset.over : count.dataset.words) || "";
    count.textContent = text.replace("{count}", String(ticked));
    count.classList.toggle("is-over", ticked > most);
  }

  if (words instanceof HTMLInputElement) {
    const tools = picker.querySelector(".picker-tools");
    if (tools instanceof HTMLElement) tools.hidden = false;
    words.addEventListener("input", () => {
      const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const camera of cameras) {
        const text = (camera.getAttribute("data-words") || "").toLowerCase();
        const fits = wanted.every((word) => text.includes(word));
        camera.toggleAttribute("hidden", !fits);
        if (fits) shown += 1;
      }
      for (const area of picker.querySelectorAll("[data-picker-area]")) {
        area.toggleAttribute("hidden", !area.querySelector(".picker-camera:not([hidden])"));
      }
      if (nothing) nothing.toggleAttribute("hidden", shown > 0);
    });
    // Enter narrows the list; it does not send a form that is half filled in.
    words.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  }
  picker.querySelector("[data-picker-all]")?.addEventListener("click", () => {
    for (const camera of cameras) if (!camera.hasAttribute("hidden")) box(camera).checked = true;
    tell();
  });
  picker.querySelector("[data-picker-none]")?.addEventListener("click", () => {
    for (const camera of cameras) box(camera).checked = false;
    tell();
  });
  picker.addEventListener("change", tell);
  tell();
}

for (const input of document.querySelectorAll("input[data-photo]")) {
  if (input instanceof HTMLInputElement) previewPhoto(input);
}
for (const picker of document.querySelectorAll("[data-picker]")) narrowCameras(picker);
