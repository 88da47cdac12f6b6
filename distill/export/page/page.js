/** What happens when: a picture comes in, is denoised, looked at and stored. */

import { Engine } from "./engine.js";
import { openPicture, pixelsAreTrue, savePng } from "./picture.js";
import { Result } from "./result.js";
import { View } from "./view.js";

const BAND = 2e6; // pixels that are drawn in one go

const part = (name) => document.getElementById(name);
const view = new View(document);
const engine = Engine.load(new URL("./", import.meta.url));

let result = null; // the picture that is shown
let latest = null; // the file that was given last
let work = null; // AbortController of the picture that is being denoised

function start() {
  part("asleep").remove();
  part("file").addEventListener("change", ({ target }) => {
    take([...target.files]);
    target.value = ""; // the same file may be chosen again
  });
  part("again").addEventListener("click", () => part("file").click());
  part("cancel").addEventListener("click", () => work?.abort());
  part("save").addEventListener("click", () => save());
  part("strength").addEventListener("input", showStrength);
  for (const choice of document.querySelectorAll("[name=view]")) choice.addEventListener("change", showView);
  for (const choice of document.querySelectorAll("[name=zoom]")) {
    choice.addEventListener("change", () => view.enlarge(choice.value));
  }
  listenForFiles();
  prepare();
}

async function prepare() {
  try {
    const loaded = await engine;
    tellAbout(loaded.card);
    await loaded.warmUp();
  } catch (error) {
    part("model").textContent = "The model could not be loaded.";
    say(wrong(error));
  }
}

function listenForFiles() {
  const over = (shown) => document.body.classList.toggle("over", shown);
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    over(true);
  });
  document.addEventListener("dragleave", (event) => over(event.relatedTarget !== null));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    over(false);
    take([...event.dataTransfer.files]);
  });
  document.addEventListener("paste", (event) => {
    take([...event.clipboardData.files]);
  });
}

async function take(files) {
  if (!files.length) return;
  say("");
  const opening = (latest = Symbol("opening"));
  try {
    const picture = await openPicture(files[0]);
    if (opening !== latest) return;
    if (files.length > 1) picture.notes.push(`The page takes one picture at a time; this is the first of ${files.length}.`);
    if (!pixelsAreTrue()) picture.notes.push("This browser changes the pixels that pages read, to protect your privacy. The result has a little noise from that; allow this page to read canvases.");
    work?.abort();
    show(picture);
  } catch (error) {
    if (opening === latest) say(wrong(error));
    return;
  }
  await denoise(result);
}

function show(picture) {
  result = new Result(picture);
  drawing += 1; // what is drawn of the picture before is not drawn any more
  part("drop").hidden = true;
  part("frame").hidden = part("panel").hidden = false;
  part("name").textContent = `${picture.name}, ${picture.width} × ${picture.height}`;
  part("notes").textContent = picture.notes.join(" ");
  part("notes").hidden = picture.notes.length === 0;
  view.open(picture);
  if (chosen("view") === "removed") redraw();
}

async function denoise(shown) {
  const control = (work = new AbortController());
  const { signal } = control;
  busy(true);
  const began = performance.now();
  try {
    const loaded = await engine;
    signal.throwIfAborted();
    await loaded.denoise(shown.picture, {
      signal,
      onTile: (tile, planes) => {
        if (signal.aborted) return;
        shown.put(tile, planes);
        draw(tile);
      },
      onProgress: (done, left) => {
        if (!signal.aborted) progress(done, left);
      },
    });
    tell(`Denoised in ${seconds(performance.now() - began)}.`);
  } catch (error) {
    if (work !== control) return; // another picture has taken its place
    tell(signal.aborted ? "Cancelled. What was finished is shown." : "Not denoised.");
    if (!signal.aborted) say(wrong(error));
  } finally {
    if (work === control) {
      work = null;
      busy(false);
    }
  }
}

function busy(working) {
  part("panel").classList.toggle("busy", working);
  part("save").disabled = working || !result.begun;
  if (working) {
    tell("Denoising …");
    progress(0, null);
  }
}

function progress(done, left) {
  if (done > 0) part("progress").value = done;
  else part("progress").removeAttribute("value");
  part("left").textContent = left === null ? "" : `about ${seconds(left)} left`;
}

function tell(sentence) {
  part("status").textContent = sentence;
}

function draw(tile) {
  view.draw(result.pixels(tile, chosen("view"), part("strength").value / 100), tile.x.first, tile.y.first);
}

let drawing = 0;

/** Draw all of the picture again, band by band, so that sliders keep moving on large ones. */
function redraw() {
  if (result === null) return;
  const turn = ++drawing;
  const { width, height } = result.picture;
  const rows = Math.max(1, Math.round(BAND / width));
  const next = (first) => {
    if (turn !== drawing) return; // a later wish draws everything again
    const last = Math.min(first + rows, height);
    draw({ x: { first: 0, last: width }, y: { first, last } });
    if (last < height) requestAnimationFrame(() => next(last));
  };
  requestAnimationFrame(() => next(0));
}

function showStrength() {
  part("strength-value").textContent = `${part("strength").value} %`;
  redraw();
}

function showView() {
  const removed = chosen("view") === "removed";
  part("removed-hint").hidden = !removed;
  part("divider-row").hidden = removed;
  part("after").setAttribute("aria-label", removed ? "What was removed from the picture" : "The denoised picture");
  view.compare(!removed);
  redraw();
}

async function save() {
  try {
    const { width, height, name } = result.picture;
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    const whole = { x: { first: 0, last: width }, y: { first: 0, last: height } };
    canvas.getContext("2d").putImageData(result.pixels(whole, "compare", part("strength").value / 100), 0, 0);
    await savePng(canvas, name);
  } catch (error) {
    say(wrong(error));
  }
}

function tellAbout(card) {
  part("model").textContent = `The model ${card.name} is for ${card.made_for}.`;
  const noise = {
    independent: "independent from pixel to pixel",
    shared: "shared by neighbouring pixels, as cameras make it",
  };
  const facts = {
    Model: `${card.name}, ${card.parameters.toLocaleString("en")} parameters`,
    "Made for": card.made_for,
    Noise: noise[card.noise.kind] ?? "not stated",
    "Weights": card.weights_licence,
  };
  for (const [name, fact] of Object.entries(facts)) {
    const [term, text] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    text.textContent = fact;
    part("about").append(term, text);
  }
}

function say(sentence) {
  part("error").textContent = sentence;
  part("error").hidden = sentence === "";
}

function wrong(error) {
  // onnxruntime tells some failures by a number alone.
  if (/memory|alloc|\bOOM\b|^\d+$/i.test(error.message)) {
    return "The browser ran out of memory. Close other pages, or take a smaller picture.";
  }
  if (typeof WebAssembly === "undefined") return "This browser has no WebAssembly, which the network needs. Use a current one.";
  return error.message || "Something went wrong. Load the page again.";
}

function chosen(name) {
  return document.querySelector(`[name=${name}]:checked`).value;
}

function seconds(milliseconds) {
  const whole = Math.max(1, Math.round(milliseconds / 1000));
  return whole < 90 ? `${whole} s` : `${Math.round(whole / 60)} min`;
}

start();
