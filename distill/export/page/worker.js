/** One model on one thread: tiles in, denoised tiles out. */

import * as ort from "./ort.wasm.min.mjs";

ort.env.wasm.numThreads = 1; // more need headers that simple servers do not send; the page starts several workers instead
ort.env.wasm.wasmPaths = new URL("./", import.meta.url).href;

let session;
let ends;

async function load({ model, input, output }) {
  ends = { input, output };
  session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
}

async function run({ values, shape }) {
  const results = await session.run({ [ends.input]: new ort.Tensor("float32", values, shape) });
  const found = results[ends.output].data.slice();
  if (!found.every(Number.isFinite)) throw new Error("the network gave values that are not numbers");
  return found;
}

const answers = { load, run };

self.onmessage = async ({ data: { id, task, ...given } }) => {
  try {
    const values = await answers[task](given);
    self.postMessage({ id, values }, values ? [values.buffer] : []);
  } catch (error) {
    self.postMessage({ id, error: String(error?.message ?? error) });
  }
};
self.postMessage({ ready: true });
