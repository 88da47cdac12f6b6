// Requests to this server, and nobody else.

/** Send a request and give the JSON of the answer; a refusal becomes an Error with the server's words. */
export async function ask(method, path, body) {
  const options = { method, headers: {} };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("The server does not answer. Is bsn app still running?");
  }
  const text = await answer.text();
  if (answer.ok) return text ? JSON.parse(text) : {};
  let said = text;
  try { said = JSON.parse(text).error; } catch { /* a plain line */ }
  throw new Error(said || `The server refused (${answer.status}).`);
}

/** Send a file; `progress` gets its share from 0 to 1. */
export function upload(file, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", `/api/uploads?name=${encodeURIComponent(file.name)}`);
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    request.onerror = () => reject(new Error(`${file.name}: the upload was cut off`));
    request.onload = () => {
      let answer = {};
      try { answer = JSON.parse(request.responseText); } catch { answer.error = request.responseText; }
      request.status === 200 ? resolve(answer.item) : reject(new Error(answer.error || `refused (${request.status})`));
    };
    request.send(file);
  });
}

/** Hear of every change of the server's state, also after the connection was lost. */
export function listen(hear, connected) {
  const socket = new WebSocket(`ws://${location.host}/api/live`);
  socket.onopen = () => connected(true);
  socket.onmessage = (event) => hear(JSON.parse(event.data));
  socket.onclose = () => {
    connected(false);
    setTimeout(() => listen(hear, connected), 1500);
  };
}

/** Make an element; texts are texts, never markup. */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Bring the children of a list in line with entries, by keeping the element of each key. */
export function sync(list, entries, keyOf, create, update) {
  const kept = new Map([...list.children].map((child) => [child.dataset.key, child]));
  entries.forEach((entry, index) => {
    const key = String(keyOf(entry));
    let element = kept.get(key);
    kept.delete(key);
    if (!element) {
      element = create(entry);
      element.dataset.key = key;
    }
    if (list.children[index] !== element) list.insertBefore(element, list.children[index] || null);
    update(element, entry);
  });
  kept.forEach((element) => element.remove());
}

/** Set a text only where it changed, so that readers of the screen are not told again. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
