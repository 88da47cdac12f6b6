/** The stage: two canvases on top of each other, a divider between before and after, and how large they are shown. */

export class View {
  constructor(document) {
    for (const name of ["frame", "viewport", "sheet", "before", "after", "divider", "cut"]) {
      this[name] = document.getElementById(name);
    }
    this.zoom = "fit";
    this.comparing = true;
    new ResizeObserver(() => this.#layOut()).observe(this.viewport);
    this.viewport.addEventListener("scroll", () => this.#place());
    this.cut.addEventListener("input", () => this.#place());
    this.divider.addEventListener("pointerdown", (event) => this.#hold(event, this.divider, (at) => this.#drag(at)));
    this.viewport.addEventListener("pointerdown", (event) => this.#pan(event));
  }

  /** Show a picture and nothing done to it. */
  open({ width, height, data }) {
    for (const canvas of [this.before, this.after]) {
      canvas.width = width;
      canvas.height = height;
      canvas.getContext("2d").putImageData(new ImageData(data, width, height), 0, 0);
    }
    this.#layOut();
  }

  /** Draw pixels of the result. */
  draw(pixels, left, top) {
    this.after.getContext("2d").putImageData(pixels, left, top);
  }

  /** @param {"fit" | "1" | "2"} zoom whole, or pixels of the screen per pixel of the picture */
  enlarge(zoom) {
    const { scrollLeft, scrollTop, scrollWidth, scrollHeight, clientWidth, clientHeight } = this.viewport;
    const middle = [(scrollLeft + clientWidth / 2) / scrollWidth, (scrollTop + clientHeight / 2) / scrollHeight];
    this.zoom = zoom;
    this.#layOut();
    this.viewport.scrollLeft = middle[0] * this.viewport.scrollWidth - this.viewport.clientWidth / 2;
    this.viewport.scrollTop = middle[1] * this.viewport.scrollHeight - this.viewport.clientHeight / 2;
    this.#place();
  }

  /** @param {boolean} comparing whether the divider shows the picture as it was beside the result */
  compare(comparing) {
    this.comparing = comparing;
    this.frame.classList.toggle("whole", !comparing);
    this.#place();
  }

  #layOut() {
    const { width, height } = this.before;
    const { clientWidth, clientHeight } = this.viewport;
    if (!width || !clientWidth) return;
    const pixel = 1 / (window.devicePixelRatio || 1);
    const fitting = Math.min(clientWidth / width, clientHeight / height, 8 * pixel);
    const scale = this.zoom === "fit" ? fitting : Number(this.zoom) * pixel;
    this.sheet.style.width = `${width * scale}px`;
    this.sheet.style.height = `${height * scale}px`;
    this.sheet.classList.toggle("pixels", scale >= pixel);
    this.#place();
  }

  /** Left and right end of the visible picture, in pixels of the viewport. */
  #visible() {
    const left = this.sheet.offsetLeft - this.viewport.scrollLeft;
    return [Math.max(left, 0), Math.min(left + this.sheet.offsetWidth, this.viewport.clientWidth)];
  }

  #place() {
    const [left, right] = this.#visible();
    const at = left + (this.cut.value / 100) * (right - left);
    const within = at + this.viewport.scrollLeft - this.sheet.offsetLeft;
    this.after.style.clipPath = this.comparing ? `inset(0 0 0 ${within}px)` : "none";
    this.divider.style.left = `${at}px`;
    this.frame.style.setProperty("--before", `${at}px`);
  }

  #drag(at) {
    const [left, right] = this.#visible();
    const { left: origin } = this.viewport.getBoundingClientRect();
    this.cut.value = Math.round((100 * (at.clientX - origin - left)) / Math.max(right - left, 1));
    this.#place();
  }

  /** Fingers scroll by themselves; the mouse drags. */
  #pan(event) {
    const { left, top } = this.viewport.getBoundingClientRect();
    const onBars = event.clientX - left > this.viewport.clientWidth || event.clientY - top > this.viewport.clientHeight;
    if (event.pointerType !== "mouse" || event.button !== 0 || onBars) return;
    let last = event;
    this.#hold(event, this.viewport, (at) => {
      this.viewport.scrollBy(last.clientX - at.clientX, last.clientY - at.clientY);
      last = at;
    });
  }

  #hold(event, element, moved) {
    element.setPointerCapture(event.pointerId);
    element.addEventListener("pointermove", moved);
    const end = () => element.removeEventListener("pointermove", moved);
    element.addEventListener("pointerup", end, { once: true });
    element.addEventListener("pointercancel", end, { once: true });
  }
}
