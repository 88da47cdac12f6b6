// The picture: before, after, what was removed; a divider, zoom, planes.
import { ask, setText } from "/static/net.js";

const $ = (id) => document.getElementById(id);
const shown = { key: "", item: null, found: null, plane: null, around: null };

const chosen = (name) => document.querySelector(`input[name=${name}]:checked`).value;

/** Show an item of the state; pictures are asked for again only where something changed. */
export function show(item) {
  $("empty").hidden = Boolean(item);
  $("view").hidden = !item;
  setText($("viewer-title"), item ? item.name : "Picture");
  const changed = !item || !shown.item || item.id !== shown.item.id;
  if (changed) shown.plane = shown.around = null;
  shown.item = item;
  if (!item) return void (shown.key = "");
  const place = chosen("zoom") === "fit" ? "all" : `${shown.around}`;
  const key = `${item.id}-${item.version}-${shown.plane}-${place}-${item.reading.axes || ""}-${item.reading.key || ""}`;
  if (key !== shown.key) {
    shown.key = key;
    load(item, key, changed);
  }
  offerResult(item);
}

async function load(item, key, fresh) {
  wait("Reading…", false);
  if (fresh) clear();
  try {
    const asked = new URLSearchParams();
    if (shown.plane !== null) asked.set("plane", shown.plane);
    if (chosen("zoom") !== "fit" && shown.around) ["row", "column"].forEach((name, axis) => asked.set(name, shown.around[axis]));
    const found = await ask("GET", `/api/items/${item.id}/picture?${asked}`);
    if (shown.key !== key) return;
    shown.found = found;
    await Promise.all(["before", "after", "removed"].map((kind) => {
      const image = $(kind);
      if (!found.kinds.includes(kind)) return image.removeAttribute("src");
      image.src = `/api/pictures/${found.key}/${kind}.png`;
      return image.decode().catch(() => {});
    }));
    if (shown.key !== key) return;
    wait("", false);
    arrange();
    if (chosen("zoom") !== "fit") centre();
  } catch (error) {
    if (shown.key !== key) return;
    clear();
    wait(error.message, true);
  }
}

function clear() {
  shown.found = null;
  ["before", "after", "removed"].forEach((kind) => { $(kind).removeAttribute("src"); });
  arrange();
}

function wait(text, bad) {
  $("wait").hidden = !text;
  $("wait").classList.toggle("bad", bad);
  setText($("wait"), text);
}

/** Lay out what is loaded, by the chosen mode and zoom. */
function arrange() {
  const found = shown.found, has = (kind) => Boolean(found && found.kinds.includes(kind));
  $("modes").hidden = !has("after");
  let mode = chosen("mode");
  if (mode !== "before" && !has("after")) mode = "before";
  $("canvas").hidden = !found;
  const comparing = mode === "compare";
  $("canvas").classList.toggle("comparing", comparing);
  $("after").hidden = !has("after") || mode === "before" || mode === "removed";
  $("removed").hidden = mode !== "removed";
  ["line", "tag-left", "tag-right", "cut-row"].forEach((id) => { $(id).hidden = !comparing; });
  if (found) {
    resize(found);
    $("plane-row").hidden = found.planes < 2;
    $("plane").max = found.planes - 1;
    $("plane").value = found.plane;
    setText($("plane-out"), `${found.plane + 1} of ${found.planes}`);
    const part = found.factor === 1 && (found.width < found.columns || found.height < found.rows);
    $("moves").hidden = !part;
    const where = found.factor > 1 ? ` Reduced ${found.factor} times; double-click a place, or choose 1:1, to see every pixel.`
      : part ? ` Rows ${found.top} to ${found.top + found.height} and columns ${found.left} to ${found.left + found.width} of a larger image.` : "";
    const about = mode === "removed" ? "What was removed, enhanced: it should look like noise, without edges or textures of the picture. " : "";
    setText($("caption"), `${about}${shown.item.kind}.${where}`);
  }
  blend();
}

function resize(found) {
  const zoom = chosen("zoom"), stage = $("stage"), image = $("before");
  const room = stage.clientWidth || found.width;
  // At 1:1 a pixel of the image is a pixel of the screen, also on dense screens.
  const scale = zoom === "fit" ? Math.min(room / found.width, (0.7 * innerHeight) / found.height, 4) : Number(zoom) / devicePixelRatio;
  image.style.width = `${Math.round(found.width * scale)}px`;
  image.style.height = `${Math.round(found.height * scale)}px`;
  $("canvas").classList.toggle("pixels", zoom !== "fit" || scale > 1.5);
}

/** Large images are shown reduced as a whole, and pixel by pixel in a part that can be moved. */
function zoomed() {
  const found = shown.found;
  if (!found || found.factor === 1 && found.rows === found.height && found.columns === found.width) {
    arrange();
    return centre();
  }
  if (!shown.around) shown.around = [Math.floor(found.rows / 2), Math.floor(found.columns / 2)];
  return shown.redraw();
}

function centre() {
  const stage = $("stage");
  stage.scrollTo((stage.scrollWidth - stage.clientWidth) / 2, (stage.scrollHeight - stage.clientHeight) / 2);
}

function moveBy(rows, columns) {
  const { found } = shown;
  const within = (at, size, whole) => Math.min(Math.max(at, Math.floor(size / 2)), whole - Math.ceil(size / 2));
  shown.around = [
    within(found.top + Math.floor(found.height / 2) + rows * Math.floor(found.height / 2), found.height, found.rows),
    within(found.left + Math.floor(found.width / 2) + columns * Math.floor(found.width / 2), found.width, found.columns),
  ];
  shown.redraw();
}

function lookCloser(event) {
  const { found } = shown;
  if (!found || found.factor === 1) return;
  const box = $("canvas").getBoundingClientRect();
  const at = (offset, length, whole) => Math.round((offset / length) * whole);
  shown.around = [at(event.clientY - box.top, box.height, found.rows), at(event.clientX - box.left, box.width, found.columns)];
  document.querySelector("input[name=zoom][value='1']").checked = true;
  shown.redraw();
}

/** Less strength than the result has can be shown at once: the noise is put back evenly. */
function blend() {
  const result = shown.item && shown.item.result, asked = Number($("strength").value);
  const share = result && result.strength > 0 ? Math.min(1, asked / result.strength) : 1;
  $("after").style.opacity = chosen("mode") === "removed" ? 1 : share;
}

function offerResult(item) {
  const done = item.work === "done" && item.result;
  $("save").hidden = !done;
  if (done) $("save").href = `/api/items/${item.id}/result`;
  const said = [];
  if (item.failure) said.push([`Denoising failed: ${item.failure}`, "warn"]);
  if (done) {
    const { model, strength, why, seconds, looks_like_picture: picture, remarks } = item.result;
    const name = model.split(/[\\/]/).at(-1);
    said.push([`Denoised with ${name} at strength ${strength.toFixed(2)} in ${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s${why ? `; ${why}` : ""}. Saved as ${item.saved}`, ""]);
    if (picture === false) said.push(["What was removed looks like noise: it is hardly stronger at edges and textures than in flat places.", ""]);
    if (picture) said.push(["What was removed looks like picture at edges or textures. Look at “Removed”, and use less strength or train on such images.", "warn"]);
    remarks.forEach((text) => said.push([text, "warn"]));
  }
  const text = JSON.stringify(said);
  if ($("verdict").dataset.said === text) return;
  $("verdict").dataset.said = text;
  $("verdict").replaceChildren(...said.map(([line, kind]) => Object.assign(document.createElement("p"), { textContent: line, className: kind })));
}

function cutAt(share) {
  const value = Math.min(100, Math.max(0, share));
  $("cut").value = value;
  $("canvas").style.setProperty("--cut", `${value}%`);
}

function follow(event) {
  if (!$("canvas").classList.contains("comparing") || (event.type === "pointermove" && !event.buttons)) return;
  const box = $("canvas").getBoundingClientRect();
  cutAt((100 * (event.clientX - box.left)) / box.width);
}

export function start(redraw) {
  shown.redraw = redraw;
  document.querySelectorAll("input[name=mode]").forEach((input) => input.addEventListener("change", arrange));
  document.querySelectorAll("input[name=zoom]").forEach((input) => input.addEventListener("change", zoomed));
  document.querySelectorAll("#moves button").forEach((button) => {
    button.addEventListener("click", () => moveBy(Number(button.dataset.rows), Number(button.dataset.columns)));
  });
  $("canvas").addEventListener("dblclick", lookCloser);
  $("cut").addEventListener("input", () => cutAt(Number($("cut").value)));
  $("canvas").addEventListener("pointerdown", follow);
  $("canvas").addEventListener("pointermove", follow);
  $("strength").addEventListener("input", blend);
  $("plane").addEventListener("change", () => { shown.plane = Number($("plane").value); redraw(); });
  $("plane").addEventListener("input", () => setText($("plane-out"), `${Number($("plane").value) + 1} of ${Number($("plane").max) + 1}`));
  addEventListener("resize", () => shown.found && arrange());
  arrange();
}
