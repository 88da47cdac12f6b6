/** A picture and what the network made of it. */

const STEPS = 32767; // from -0.5 to 1.5 in 16 bits: a 128th of a grey level
const LOWEST = 0.5;
const ENLARGED = 4;
const GREY = 128;

export class Result {
  /** @param {{width: number, height: number, data: Uint8ClampedArray, grey: boolean}} picture */
  constructor(picture) {
    this.picture = picture;
    this.begun = false; // whether a part of it is denoised
    this.planes = picture.grey ? 1 : 3;
    this.area = picture.width * picture.height;
    this.clean = new Uint16Array(this.planes * this.area);
    for (let at = 0; at < this.area; at++) {
      for (let plane = 0; plane < this.planes; plane++) {
        this.clean[plane * this.area + at] = packed(picture.data[4 * at + plane] / 255);
      }
    }
  }

  /**
   * Take in a part of the result.
   *
   * @param {{x: object, y: object}} tile its rows and columns [first, last)
   * @param {Float32Array} planes values from 0 to 1
   */
  put({ x, y }, planes) {
    this.begun = true;
    const across = x.last - x.first;
    const down = y.last - y.first;
    for (let plane = 0; plane < this.planes; plane++) {
      for (let row = 0; row < down; row++) {
        const to = plane * this.area + (y.first + row) * this.picture.width + x.first;
        const from = (plane * down + row) * across;
        for (let column = 0; column < across; column++) this.clean[to + column] = packed(planes[from + column]);
      }
    }
  }

  /**
   * The pixels of rows and columns [first, last).
   *
   * @param {"compare" | "removed"} view the result, or what it lacks of the picture, enlarged around grey
   * @param {number} strength share of the noise that is taken away, 0 to 1
   * @returns {ImageData}
   */
  pixels({ x, y }, view, strength) {
    const across = x.last - x.first;
    const drawn = new ImageData(across, y.last - y.first);
    const { data, width } = this.picture;
    for (let row = y.first; row < y.last; row++) {
      for (let column = x.first; column < x.last; column++) {
        const at = row * width + column;
        const to = 4 * ((row - y.first) * across + column - x.first);
        for (let colour = 0; colour < 3; colour++) {
          const noisy = data[4 * at + colour];
          const taken = strength * (noisy - 255 * unpacked(this.clean[(colour % this.planes) * this.area + at]));
          drawn.data[to + colour] = view === "removed" ? GREY + ENLARGED * taken : noisy - taken; // rounded and clipped
        }
        drawn.data[to + 3] = data[4 * at + 3];
      }
    }
    return drawn;
  }
}

function packed(value) {
  return Math.min(Math.max(Math.round((value + LOWEST) * STEPS), 0), 2 * STEPS);
}

function unpacked(step) {
  return step / STEPS - LOWEST;
}
