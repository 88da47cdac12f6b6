// Batches and trainings: how far they are, and buttons to pause, resume and cancel them.
import { ask, make, setText, sync } from "/static/net.js";
import { lossCurve } from "/static/charts.js";

const WORDS = { waiting: "Waits for its turn", running: "Running", pausing: "Writes a checkpoint…", paused: "Paused", done: "Done", failed: "Failed", cancelling: "Ends…", cancelled: "Cancelled" };

function duration(seconds) {
  if (seconds === null || seconds === undefined) return "…";
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

function create(complain) {
  return (job) => {
    const part = {};
    const element = make("li", { className: "job" });
    const button = (what, text) => {
      const made = make("button", { type: "button", textContent: text });
      made.addEventListener("click", async () => {
        if (what === "cancel" && job.kind === "train" && !confirm("Cancel this training and delete what it has learned?")) return;
        try { await ask("POST", `/api/jobs/${job.id}/${what}`); } catch (error) { complain(error.message); }
      });
      return made;
    };
    part.title = make("h3");
    part.state = make("p", { className: "state" });
    part.bar = make("progress", { max: 1 });
    part.bar.setAttribute("aria-label", job.title);
    part.numbers = make("dl", { className: "numbers", hidden: true });
    part.pair = make("div", { className: "pair", hidden: true });
    part.before = make("img", { alt: "The fixed part, noisy" });
    part.now = make("img", { alt: "The fixed part as the model of this moment denoises it" });
    part.pair.append(part.before, part.now);
    part.pairNote = make("p", { className: "quiet small", hidden: true });
    part.curve = make("figure", { hidden: true });
    part.failures = make("ul", { className: "failures", hidden: true });
    part.error = make("p", { className: "note bad", hidden: true });
    part.said = make("ul", { className: "sentences" });
    part.details = make("details", { hidden: true }, make("summary", { textContent: "What it found" }), part.said);
    part.buttons = { pause: button("pause", "Pause"), resume: button("resume", "Resume"), cancel: button("cancel", "Cancel"), use: make("button", { type: "button", className: "primary", textContent: "Denoise with it" }), forget: button("forget", "Remove from list") };
    part.buttons.use.addEventListener("click", () => element.dispatchEvent(new CustomEvent("use", { bubbles: true, detail: job.run })));
    element.append(part.title, part.state, part.bar, part.numbers, part.pair, part.pairNote, part.curve, part.failures, part.error, part.details, make("div", { className: "row" }, ...Object.values(part.buttons)));
    element.parts = part;
    return element;
  };
}

function numbers(list, job) {
  const { step, total, loss, rate, left } = job.progress;
  const shown = job.kind === "train" && step !== undefined;
  list.hidden = !shown;
  if (!shown) return;
  const running = job.state === "running";
  const rows = [["Step", total ? `${step} / ${total}` : `${step}`], ["Loss", loss === undefined || loss === null ? "…" : loss.toPrecision(3)], ["Speed", rate ? `${rate.toPrecision(2)} / s` : "…"], ["Time left", running ? duration(left) : "–"]];
  sync(list, rows, ([name]) => name, ([name]) => make("div", {}, make("dt", { textContent: name }), make("dd")), (box, [, value]) => setText(box.lastChild, value));
}

function preview(part, job) {
  const step = job.progress.preview;
  part.pair.hidden = part.pairNote.hidden = step === undefined;
  if (step === undefined) return;
  const place = `/api/jobs/${job.id}/preview`;
  if (!part.before.src) part.before.src = `${place}/before.png`;
  if (part.now.dataset.step !== String(step)) {
    part.now.dataset.step = step;
    part.now.src = `${place}/step-${step}.png`;
  }
  setText(part.pairNote, `A fixed part of the first image: noisy, and denoised by the model at step ${step}.`);
}

function progressOf(job, items) {
  if (job.kind === "train") return job.progress.total ? job.progress.step / job.progress.total : undefined;
  const mine = job.items.map((id) => items.get(id)).filter(Boolean);
  const parts = mine.map((item) => (["done", "failed"].includes(item.work) ? 1 : item.planes.length ? item.planes[0] / item.planes[1] : 0));
  return mine.length ? parts.reduce((sum, part) => sum + part, 0) / mine.length : undefined;
}

function stateWords(job) {
  if (job.kind !== "denoise" || job.state !== "done") {
    const preparing = job.kind === "train" && job.state === "running" && job.progress.step === undefined;
    return preparing ? "Measures the noise and prepares…" : WORDS[job.state];
  }
  const { done = 0, failed = 0 } = job.progress;
  return failed ? `${done} of ${done + failed} denoised, ${failed} failed` : `Done: ${done === 1 ? "the image is" : `${done} images are`} denoised`;
}

function update(items) {
  return (element, job) => {
    const part = element.parts, ended = ["done", "failed", "cancelled"].includes(job.state);
    setText(part.title, job.title);
    setText(part.state, stateWords(job));
    part.bar.hidden = ended || job.state === "paused";
    const share = progressOf(job, items);
    if (share) part.bar.value = share;
    else part.bar.removeAttribute("value");
    numbers(part.numbers, job);
    preview(part, job);
    part.curve.hidden = job.losses.length < 8; // the first few tell nothing
    const last = JSON.stringify(job.losses.at(-1));
    if (!part.curve.hidden && part.curve.dataset.last !== last) {
      part.curve.dataset.last = last;
      part.curve.replaceChildren(lossCurve(job.losses, job.progress.total));
    }
    const failures = job.kind === "denoise" && ended ? job.items.map((id) => items.get(id)).filter((item) => item && item.failure) : [];
    part.failures.hidden = !failures.length;
    sync(part.failures, failures, (item) => item.id, () => make("li"), (line, item) => setText(line, item.failure.includes(item.name) ? item.failure : `${item.name}: ${item.failure}`));
    part.error.hidden = !job.error;
    setText(part.error, job.error);
    part.details.hidden = !job.said.length;
    sync(part.said, job.said.map((text, index) => [index, text]), ([index]) => index, () => make("li"), (line, [, text]) => setText(line, text));
    const { pause, resume, cancel, use, forget } = part.buttons;
    pause.hidden = job.kind !== "train" || job.state !== "running";
    resume.hidden = job.state !== "paused";
    cancel.hidden = ended || job.state === "cancelling";
    use.hidden = job.kind !== "train" || job.state !== "done";
    forget.hidden = !ended;
  };
}

/** Bring the list of jobs in line with the state. */
export function showJobs(list, state, complain) {
  const items = new Map(state.items.map((item) => [item.id, item]));
  sync(list, [...state.jobs].reverse(), (job) => job.id, create(complain), update(items));
}
