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
  chooseOnPlan(picker, new Map(cameras.map((camera) => [box(camera).value, box(camera)])), tell);
}

/**
 * Tick cameras on the plan: one by a click, an area by dragging over it.
 * @param {Element} picker
 * @param {Map<string, HTMLInputElement>} boxes
 * @param {() => void} tell
 */
function chooseOnPlan(picker, boxes, tell) {
  const plan = picker.querySelector("[data-picker-plan]");
  const picture = plan && plan.querySelector("svg");
  const drawn = plan && plan.querySelector("[data-picker-drawn]");
  if (!(plan instanceof HTMLElement) || !(picture instanceof SVGSVGElement) || !drawn) return;
  plan.hidden = false;
  const dots = [...picture.querySelectorAll("[data-camera]")];
  /** @param {Element} dot */
  const boxOf = (dot) => boxes.get(dot.getAttribute("data-camera") || "");
  const show = () => { for (const dot of dots) dot.classList.toggle("is-ticked", Boolean(boxOf(dot)?.checked)); };
  /** @param {PointerEvent} event */
  const at = (event) => {
    const frame = picture.getBoundingClientRect();
    return { x: ((event.clientX - frame.left) / frame.width) * 1000, y: ((event.clientY - frame.top) / frame.height) * picture.viewBox.baseVal.height };
  };
  /** @type {{x: number, y: number} | null} */
  let from = null;
  /** @param {{x: number, y: number}} to */
  const area = (to) => {
    const start = from || to;
    return { x: Math.min(start.x, to.x), y: Math.min(start.y, to.y), width: Math.abs(start.x - to.x), height: Math.abs(start.y - to.y) };
  };
  /** @param {{x: number, y: number, width: number, height: number}} shape */
  const draw = (shape) => { for (const [name, value] of Object.entries(shape)) drawn.setAttribute(name, String(value)); };
  picture.addEventListener("pointerdown", (event) => {
    from = at(event);
    picture.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  picture.addEventListener("pointermove", (event) => { if (from) draw(area(at(event))); });
  picture.addEventListener("pointerup", (event) => {
    if (!from) return;
    const shape = area(at(event));
    // Less than a finger's width is a click, on whatever dot is nearest.
    const click = shape.width < 12 && shape.height < 12;
    for (const dot of dots) {
      const x = Number(dot.getAttribute("cx"));
      const y = Number(dot.getAttribute("cy"));
      const ticked = boxOf(dot);
      if (!ticked) continue;
      if (click && Math.hypot(x - shape.x, y - shape.y) < 30) ticked.checked = !ticked.checked;
      else if (!click && x >= shape.x && x <= shape.x + shape.width && y >= shape.y && y <= shape.y + shape.height) ticked.checked = true;
    }
    from = null;
    draw({ x: 0, y: 0, width: 0, height: 0 });
    tell();
    show();
  });
  picture.addEventListener("pointercancel", () => { from = null; draw({ x: 0, y: 0, width: 0, height: 0 }); });
  picker.addEventListener("change", show);
  picker.addEventListener("click", show);
  show();
}

for (const input of document.querySelectorAll("input[data-photo]")) {
  if (input instanceof HTMLInputElement) previewPhoto(input);
}
for (const picker of document.querySelectorAll("[data-picker]")) narrowCameras(picker);
