// The page: follows the state of the server, which goes on without it.
import { ask, listen, make, setText, sync, upload } from "/static/net.js";
import { correlation, noiseCurve } from "/static/charts.js";
import { showJobs } from "/static/jobs.js";
import { startFolders } from "/static/folders.js";
import * as viewer from "/static/viewer.js";

const $ = (id) => document.getElementById(id);
const ENTRIES = 1000; // of a dropped folder
let state = { items: [], jobs: [], models: [], folders: [] };
let current = null;
let inspected = "";
const unchecked = new Set();

let hiding;
function complain(text) {
  setText($("message"), text);
  $("message").hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { $("message").hidden = true; }, 12000);
}

async function attempt(work) {
  try { return await work(); } catch (error) { complain(error.message); return undefined; }
}

// ---- images

function statusOf(item) {
  if (item.work === "working") return [item.planes.length && item.planes[1] > 1 ? `Denoising plane ${item.planes[0]} of ${item.planes[1]}` : "Denoising…", ""];
  if (item.work === "waiting") return ["Waits to be denoised", ""];
  if (item.work === "failed") return [item.failure, "bad"];
  if (item.state === "broken") return [item.problem, "bad"];
  if (item.work === "done") return ["Denoised ✓", "good"];
  if (item.state === "known") return [item.headline, ""];
  return [{ waiting: "Waits to be measured", measuring: "Measuring the noise…", unmeasured: "Not measured yet" }[item.state], ""];
}

function createItem(item) {
  const box = make("input", { type: "checkbox", checked: !unchecked.has(item.id) });
  box.setAttribute("aria-label", `Select ${item.name}`);
  box.addEventListener("change", () => { box.checked ? unchecked.delete(item.id) : unchecked.add(item.id); render(); });
  const open = make("button", { type: "button", className: "open" }, make("span", { className: "name" }), make("span", { className: "status" }));
  open.addEventListener("click", () => { current = item.id; render(); });
  const remove = make("button", { type: "button", className: "text", textContent: "✕", title: "Remove from this page" });
  remove.setAttribute("aria-label", `Remove ${item.name}`);
  remove.addEventListener("click", () => attempt(() => ask("DELETE", `/api/items/${item.id}`)));
  return make("li", { className: "item" }, box, open, remove);
}

function updateItem(element, item) {
  const [box, open] = element.children, [text, kind] = statusOf(item);
  box.checked = !unchecked.has(item.id);
  setText(open.children[0], item.name);
  open.children[0].title = item.where && item.where !== "." ? `${item.where}/${item.name}` : item.name;
  setText(open.children[1], text);
  open.children[1].className = `status ${kind}`;
  element.classList.toggle("current", item.id === current);
  if (item.id === current) open.setAttribute("aria-current", "true");
  else open.removeAttribute("aria-current");
}

const chosenItems = () => state.items.filter((item) => !unchecked.has(item.id)).map((item) => item.id);

function showList() {
  const chosen = chosenItems(), count = state.items.length;
  sync($("items"), state.items, (item) => item.id, createItem, updateItem);
  $("list-tools").hidden = !count;
  $("all").checked = chosen.length === count;
  $("all").indeterminate = chosen.length > 0 && chosen.length < count;
  setText($("chosen"), `${chosen.length} of ${count} selected`);
  $("save-all-row").hidden = state.items.filter((item) => item.work === "done").length < 2;
  $("denoise-go").disabled = $("train-go").disabled = !chosen.length;
  const words = chosen.length === 1 ? "this image" : `${chosen.length} images`;
  const result = state.items.find((item) => item.id === current && item.result);
  const again = chosen.length === 1 && result && chosen[0] === current ? " again" : "";
  setText($("denoise-go"), chosen.length ? `Denoise ${words}${again}` : "Denoise");
  setText($("train-go"), chosen.length ? `Train on ${words}` : "Train");
}

// ---- noise

async function showNoise(item) {
  $("noise").hidden = !item;
  if (!item) return;
  if (item.state === "unmeasured") await attempt(() => ask("POST", `/api/items/${item.id}/measure`));
  const key = `${item.id}-${item.state}-${item.headline}-${item.problem}-${JSON.stringify(item.reading)}`;
  if (key === inspected) return;
  inspected = key;
  $("axes").value = item.reading.axes || "";
  $("key").value = item.reading.key || "";
  if (item.state !== "known") {
    const broken = item.state === "broken";
    setText($("headline"), broken ? "This file cannot be read" : statusOf({ ...item, work: "" })[0]);
    ["sentences", "reasons", "curve", "lags"].forEach((id) => $(id).replaceChildren());
    if (broken) $("sentences").append(make("li", { textContent: item.problem }));
    document.querySelector(".charts").hidden = true;
    $("how").open = broken && /axes|--key/.test(item.problem); // what may help is at hand
    return;
  }
  const found = await attempt(() => ask("GET", `/api/items/${item.id}`));
  if (inspected !== key || !found || !found.inspection) return;
  const { headline, sentences, reasons, noise } = found.inspection;
  setText($("headline"), headline);
  $("sentences").replaceChildren(...sentences.map((text) => make("li", { textContent: text })));
  $("reasons").replaceChildren(...reasons.map((text) => make("li", { textContent: text })));
  const curves = noise && noise.line.length;
  document.querySelector(".charts").hidden = !curves;
  $("curve").replaceChildren(...(curves ? [noiseCurve(noise)] : []));
  $("lags").replaceChildren(...(curves ? [correlation(noise)] : []));
  $("neighbours-row").hidden = !/[TZ]/.test(item.axes);
}

function showModels() {
  const chosen = $("model").value;
  const options = [{ value: "auto", name: "Automatic", what: "by the noise" }, ...state.models];
  sync($("model"), options, (model) => model.value, (model) => make("option", { value: model.value }), (option, model) => setText(option, `${model.name}: ${model.what}`));
  $("model").value = options.some((model) => model.value === chosen) ? chosen : "auto";
}

function render() {
  if (!state.items.some((item) => item.id === current)) current = state.items.length ? state.items[0].id : null;
  const item = state.items.find((one) => one.id === current) || null;
  showList();
  viewer.show(item);
  showNoise(item);
  showModels();
  $("jobs-card").hidden = !state.jobs.length;
  showJobs($("jobs"), state, complain);
  setText($("output"), state.output ? `Results and trainings are kept in ${state.output}` : "");
}

// ---- uploads

async function send(file) {
  const note = make("span", { textContent: file.name }), bar = make("progress", { max: 1, value: 0 });
  bar.setAttribute("aria-label", `Uploading ${file.name}`);
  const close = make("button", { type: "button", className: "text", textContent: "✕", hidden: true });
  close.setAttribute("aria-label", `Dismiss the message about ${file.name}`);
  const row = make("li", { className: "upload" }, note, close, bar);
  close.addEventListener("click", () => row.remove());
  $("uploads").append(row);
  try {
    if (file.size > state.upload_limit) throw new Error(`${file.name} is larger than ${(state.upload_limit / 1e9).toPrecision(2)} GB, the limit of uploads. Open its folder instead.`);
    const id = await upload(file, (share) => { bar.value = share; });
    current = id;
    row.remove();
    render();
  } catch (error) {
    row.classList.add("bad");
    note.textContent = error.message.includes(file.name) ? error.message : `${file.name}: ${error.message}`;
    bar.remove();
    close.hidden = false;
  }
}

async function sendAll(files) {
  for (const file of files) await send(file); // one after another: the disk is one, too
}

async function filesOf(entry, found) {
  if (found.length >= ENTRIES || entry.name.startsWith(".")) return;
  if (entry.isFile) found.push(await new Promise((resolve, reject) => { entry.file(resolve, reject); }));
  if (!entry.isDirectory) return;
  const reader = entry.createReader();
  for (;;) {
    const part = await new Promise((resolve, reject) => { reader.readEntries(resolve, reject); });
    if (!part.length) return;
    for (const inner of part) await filesOf(inner, found);
  }
}

async function dropped(event) {
  event.preventDefault();
  $("drop").classList.remove("over");
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry()).filter(Boolean);
  const files = [...event.dataTransfer.files];
  if (!entries.some((entry) => entry.isDirectory)) return sendAll(files);
  const found = [];
  for (const entry of entries) await filesOf(entry, found);
  return sendAll(found);
}

function startUploads() {
  $("choose").addEventListener("click", () => $("files").click());
  $("files").addEventListener("change", () => { sendAll([...$("files").files]); $("files").value = ""; });
  // Anywhere on the page, so that a file that misses the box does not replace the page.
  addEventListener("dragover", (event) => { event.preventDefault(); $("drop").classList.add("over"); });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) $("drop").classList.remove("over"); });
  addEventListener("drop", dropped);
}

// ---- orders

function startOrders() {
  $("all").addEventListener("change", () => {
    state.items.forEach((item) => { $("all").checked ? unchecked.delete(item.id) : unchecked.add(item.id); });
    render();
  });
  $("remove-chosen").addEventListener("click", async () => {
    for (const id of chosenItems()) await attempt(() => ask("DELETE", `/api/items/${id}`));
  });
  $("strength").addEventListener("input", () => setText($("strength-out"), Number($("strength").value).toFixed(2)));
  $("denoise").addEventListener("submit", (event) => {
    event.preventDefault();
    const neighbours = $("neighbours-row").hidden ? 0 : Number($("neighbours").value);
    attempt(() => ask("POST", "/api/denoise", { items: chosenItems(), model: $("model").value, strength: Number($("strength").value), neighbours }));
  });
  $("train").addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(() => ask("POST", "/api/train", { items: chosenItems(), minutes: Number($("minutes").value), name: $("run-name").value }));
  });
  $("reading").addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(() => ask("PATCH", `/api/items/${current}`, { axes: $("axes").value, key: $("key").value }));
  });
  $("jobs").addEventListener("use", (event) => {
    $("model").value = `run:${event.detail.split(/[\\/]/).at(-1)}`;
    $("denoise").requestSubmit();
  });
}

startUploads();
startOrders();
startFolders(() => state, complain);
viewer.start(render);
listen((heard) => { state = heard; render(); }, (there) => {
  $("connection").hidden = there;
  setText($("connection"), there ? "" : "No connection to bsn app; trying again");
});
