/** Picture files: what can be opened, their pixels, and PNG files of results. */

const MOST_PIXELS = 40e6;
const LONGEST_SIDE = 16384;
const MOST_BYTES = 300e6;

/** Why a file is not opened, in a sentence for the person who gave it. */
export class PictureError extends Error {}

/**
 * Read a picture file.
 *
 * @param {File} file
 * @returns {Promise<{width: number, height: number, data: Uint8ClampedArray, grey: boolean, name: string, notes: string[]}>}
 *   RGBA pixels in sRGB, row by row
 * @throws {PictureError} for files that are no pictures, or too large
 */
export async function openPicture(file) {
  const name = file.name || "picture";
  if (file.size === 0) throw new PictureError(`“${name}” is empty, or a folder. Choose a picture file.`);
  if (file.size > MOST_BYTES) throw new PictureError(`“${name}” has ${megabytes(file.size)}, and this page opens files of up to ${megabytes(MOST_BYTES)}. Use bsn denoise for it.`);
  if (file.type === "image/svg+xml") throw new PictureError(`“${name}” is a drawing and has no noise. Choose a photograph.`);
  const address = URL.createObjectURL(file);
  try {
    const image = await decoded(address, name);
    checkSize(image.naturalWidth, image.naturalHeight, name);
    const { width, height, data } = pixelsOf(image, name);
    return { width, height, data, grey: isGrey(data), name, notes: await notesOn(file) };
  } finally {
    URL.revokeObjectURL(address);
  }
}

async function decoded(address, name) {
  const image = new Image();
  const loaded = new Promise((resolve, reject) => {
    image.onload = resolve;
    image.onerror = reject;
  });
  image.src = address;
  try {
    await loaded;
  } catch {
    throw new PictureError(`“${name}” is not a picture that this browser can open, or it is damaged. PNG, JPEG and WebP work. For TIFF, raw photographs and other formats use bsn denoise.`);
  }
  return image;
}

function checkSize(width, height, name) {
  if (width * height > MOST_PIXELS || Math.max(width, height) > LONGEST_SIDE) {
    throw new PictureError(`“${name}” has ${width} × ${height} pixels, and this page takes up to ${MOST_PIXELS / 1e6} megapixels, ${LONGEST_SIDE} on a side. Cut it, or use bsn denoise, which takes pictures of any size.`);
  }
  if (width === 0 || height === 0) throw new PictureError(`“${name}” has no size in pixels. Choose a photograph.`);
}

function pixelsOf(image, name) {
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  try {
    pen.drawImage(image, 0, 0);
    return pen.getImageData(0, 0, canvas.width, canvas.height);
  } catch {
    throw new PictureError(`“${name}” is damaged, or too large for the memory of this browser. Try a smaller copy.`);
  }
}

function isGrey(data) {
  for (let at = 0; at < data.length; at += 4) {
    if (data[at] !== data[at + 1] || data[at] !== data[at + 2]) return false;
  }
  return true;
}

/** What the browser does not keep. Bytes 24 of a PNG file is its number of bits. */
async function notesOn(file) {
  const head = new Uint8Array(await file.slice(0, 26).arrayBuffer());
  const isPng = [137, 80, 78, 71].every((byte, at) => head[at] === byte);
  return isPng && head[24] === 16
    ? ["This file has 16 bits per colour. Browsers hand out 8, so the result has 8. bsn denoise keeps all 16."]
    : [];
}

/**
 * Whether pixels come back from a canvas as they went in. Some browsers change them a little, so that pages cannot recognise
 * the device; results then have that noise.
 */
export function pixelsAreTrue() {
  const side = 16;
  const given = new ImageData(side, side);
  given.data.forEach((_, at) => (given.data[at] = at % 4 === 3 ? 255 : (at * 37) % 256));
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.putImageData(given, 0, 0);
  const found = pen.getImageData(0, 0, side, side).data;
  return given.data.every((value, at) => value === found[at]);
}

/**
 * Let the browser store a canvas as a PNG file.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {string} name name of the picture that was opened
 */
export async function savePng(canvas, name) {
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  if (blob === null) throw new PictureError("The result could not be packed as PNG: the browser is out of memory. Close other pages and try again.");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${name.replace(/\.[^.]*$/, "")}-denoised.png`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function megabytes(bytes) {
  return `${Math.round(bytes / 1e6)} MB`;
}
