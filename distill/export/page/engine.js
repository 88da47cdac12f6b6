/** The model of this page: it loads the network, cuts pictures into tiles and shares them among workers. */

import { Runner } from "./runner.js";
import { areaOf, core, cut, fastestSide, tilesOf } from "./tiles.js";

const MOST_WORKERS = 4;

export class Engine {
  /**
   * Load card and model.
   *
   * @param {string} base address of the folder that holds them
   * @param {number} workers how many tiles are computed at the same time
   */
  static async load(base, workers = sensibleWorkers()) {
    const card = await (await fetched(new URL("model.card.json", base))).json();
    const model = new Uint8Array(await (await fetched(new URL("model.onnx", base))).arrayBuffer());
    return new Engine(base, card, model, workers);
  }

  constructor(base, card, model, workers) {
    this.base = base;
    this.card = card;
    this.network = { model, input: card.input.name, output: card.output.name };
    this.workers = workers;
    this.runners = []; // promises of workers, so that those that still start count, too
    this.rate = null; // milliseconds per computed pixel of one worker
  }

  /** Start the first worker, so that the first picture need not wait for it. */
  async warmUp() {
    try {
      await this.#runners(1);
    } catch (error) {
      this.#stop(); // the next picture tries again
      throw error;
    }
  }

  /**
   * Denoise a picture.
   *
   * @param {{width: number, height: number, data: Uint8ClampedArray, grey: boolean}} picture
   * @param {object} options
   * @param {(tile: object, planes: Float32Array) => void} options.onTile gets each part of the result: 3 planes, 1 of a grey
   *   picture, of the rows and columns [first, last) of the tile
   * @param {(done: number, left: number | null) => void} [options.onProgress] share that is done, and milliseconds left
   * @param {AbortSignal} [options.signal] ends the work
   * @param {number} [options.side] side of the tiles in pixels, halo included; otherwise the fastest
   */
  async denoise(picture, { onTile, onProgress = () => {}, signal, side }) {
    const { width, height } = picture;
    const rule = { ...this.card.tiles };
    rule.tile = side ?? fastestSide(width, height, rule, this.workers);
    const tiles = tilesOf(width, height, rule);
    const watch = new Progress(tiles, Math.min(this.workers, tiles.length), this.rate, onProgress);
    const cancelled = new Promise((_, reject) => {
      const end = () => reject(this.#cancelled(signal));
      if (signal?.aborted) end();
      signal?.addEventListener("abort", end, { once: true });
    });
    const work = async () => {
      const runners = await this.#runners(tiles.length);
      const queue = tiles.values();
      await Promise.all(runners.map((runner) => this.#drain(runner, queue, picture, onTile, watch)));
    };
    try {
      await Promise.race([work(), cancelled]);
    } catch (error) {
      if (!signal?.aborted) this.#stop(); // the others must not go on with a picture that nobody waits for
      throw error;
    }
    this.rate = watch.rate;
  }

  async #drain(runner, queue, picture, onTile, watch) {
    for (const tile of queue) {
      const began = performance.now();
      const planes = await this.#run(runner, picture, tile);
      onTile(tile, planes);
      watch.finished(tile, performance.now() - began);
    }
  }

  async #run(runner, picture, tile) {
    const channels = this.card.input.channels;
    const planes = picture.grey && channels === 1 ? 1 : 3;
    const values = cut(picture, tile, planes);
    // A network for grey pictures gets the colours as three pictures.
    const shape = [planes / channels, channels, tile.y.stop - tile.y.start, tile.x.stop - tile.x.start];
    const found = core(await runner.ask("run", { values, shape }, [values.buffer]), tile);
    return picture.grey && planes === 3 ? meanOfThree(found) : found;
  }

  async #runners(wanted) {
    while (this.runners.length < Math.min(this.workers, wanted)) {
      this.runners.push(Runner.start(this.base, this.network));
    }
    return Promise.all(this.runners.slice(0, wanted));
  }

  #cancelled(signal) {
    this.#stop();
    return signal.reason;
  }

  #stop() {
    for (const starting of this.runners) starting.then((runner) => runner.stop(), () => {}); // failures are told elsewhere
    this.runners = [];
  }
}

/** What is done, and how long the rest will take. */
class Progress {
  constructor(tiles, workers, rate, tell) {
    this.total = tiles.reduce((sum, tile) => sum + areaOf(tile), 0);
    this.done = 0;
    this.spent = 0;
    this.workers = workers;
    this.rate = rate;
    this.tell = tell;
    this.#say();
  }

  finished(tile, milliseconds) {
    this.done += areaOf(tile);
    this.spent += milliseconds;
    this.rate = this.spent / this.done;
    this.#say();
  }

  #say() {
    const left = this.rate === null ? null : ((this.total - this.done) * this.rate) / this.workers;
    this.tell(this.done / this.total, left);
  }
}

/** A grey picture stays grey. */
function meanOfThree(planes) {
  const area = planes.length / 3;
  return planes.slice(0, area).map((value, at) => (value + planes[at + area] + planes[at + 2 * area]) / 3);
}

/** One processor is left to the rest of the device; each worker needs up to a gigabyte. */
function sensibleWorkers() {
  const processors = (navigator.hardwareConcurrency || 2) - 1;
  const gigabytes = navigator.deviceMemory || 4; // only some browsers tell it
  return Math.max(1, Math.min(MOST_WORKERS, processors, Math.floor(gigabytes / 2)));
}

async function fetched(address) {
  const name = address.pathname.split("/").pop();
  let answer;
  try {
    answer = await fetch(address);
  } catch {
    throw new Error(`${name} could not be loaded; is the server of this page still running?`);
  }
  if (!answer.ok) throw new Error(`${name} is missing beside this page (${answer.status}); export the page again`);
  return answer;
}
