/** A worker that answers one question after another. */
export class Runner {
  /**
   * Start a worker and give it the model.
   *
   * @param {string} base address of the page's folder
   * @param {{model: Uint8Array, input: string, output: string}} network content of the file, names of its ends
   * @returns {Promise<Runner>}
   */
  static async start(base, network) {
    let runner = new Runner(confinedWorker(base));
    try {
      await runner.ready;
    } catch {
      // A browser that starts no modules from blobs; this worker runs the same code.
      runner.stop();
      runner = new Runner(new Worker(new URL("worker.js", base), { type: "module" }));
      await runner.ready;
    }
    await runner.ask("load", network);
    return runner;
  }

  constructor(worker) {
    this.worker = worker;
    this.waiting = new Map();
    this.asked = 0;
    this.ready = new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => (data.ready ? resolve() : this.#answered(data));
      worker.onerror = (event) => this.#failed(new Error(event.message || "a part of the page could not be loaded"), reject);
    });
    this.ready.catch(() => {}); // whoever waits for it hears of it
  }

  /**
   * Ask the worker.
   *
   * @param {"load" | "run"} task
   * @param {object} given its arguments
   * @param {Transferable[]} handed buffers that move to the worker
   * @returns {Promise<Float32Array | undefined>}
   */
  ask(task, given, handed = []) {
    const id = ++this.asked;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, task, ...given }, handed);
    });
  }

  /** End the worker at once; what was asked is never answered. */
  stop() {
    this.worker.terminate();
    this.waiting.clear();
  }

  #answered({ id, values, error }) {
    const asked = this.waiting.get(id);
    this.waiting.delete(id);
    if (error === undefined) asked?.resolve(values);
    else asked?.reject(new Error(error));
  }

  #failed(error, reject) {
    reject(error);
    for (const asked of this.waiting.values()) asked.reject(error);
    this.waiting.clear();
  }
}

/**
 * A worker under the page's own rules.
 *
 * The content security policy of a page holds for workers that are made of blobs, not for those that come from a server
 * without such headers. So nothing in the worker can reach another host either.
 */
function confinedWorker(base) {
  const source = `import ${JSON.stringify(new URL("worker.js", base).href)};`;
  const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  return new Worker(address, { type: "module" });
}
