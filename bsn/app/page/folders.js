// The dialog that opens a folder: one of those that the command line named, or one below.
import { ask, make, setText, sync } from "/static/net.js";

const $ = (id) => document.getElementById(id);
const here = { root: 0, path: "" };

async function go(path, complain) {
  try {
    const found = await ask("GET", `/api/folder?root=${here.root}&path=${encodeURIComponent(path)}`);
    here.path = path;
    draw(found, complain);
  } catch (error) {
    complain(error.message);
  }
}

function draw(found, complain) {
  const parts = here.path ? here.path.split("/") : [];
  const crumbs = [["top", ""], ...parts.map((name, index) => [name, parts.slice(0, index + 1).join("/")])];
  $("crumbs").replaceChildren(...crumbs.map(([name, path]) => {
    const button = make("button", { type: "button", className: "text", textContent: name });
    button.addEventListener("click", () => go(path, complain));
    return make("li", {}, button);
  }));
  sync($("subfolders"), found.folders, (name) => `${here.path}/${name}`, (name) => {
    const path = here.path ? `${here.path}/${name}` : name;
    const button = make("button", { type: "button", textContent: `📁 ${name}` });
    button.addEventListener("click", () => go(path, complain));
    return make("li", {}, button);
  }, () => {});
  const count = found.images.length;
  setText($("found"), count ? `${count} image${count > 1 ? "s" : ""}: ${found.images.slice(0, 4).join(", ")}${count > 4 ? " …" : ""}` : "No images in this folder.");
  $("use-folder").disabled = !count;
  setText($("use-folder"), count > 1 ? `Use these ${count} images` : "Use this image");
}

export function startFolders(state, complain) {
  $("open-folder").addEventListener("click", () => {
    $("roots").replaceChildren(...state().folders.map((folder, index) => make("option", { value: index, textContent: folder })));
    $("roots").value = here.root;
    go(here.path, complain);
    $("folders").showModal();
  });
  $("roots").addEventListener("change", () => { here.root = Number($("roots").value); go("", complain); });
  $("use-folder").addEventListener("click", async () => {
    try {
      await ask("POST", "/api/folder", { root: here.root, path: here.path });
      $("folders").close();
    } catch (error) {
      complain(error.message);
    }
  });
}
