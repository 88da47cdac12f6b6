/**
 * How a picture is cut into tiles whose results together equal the result of the whole picture.
 *
 * A network sees `halo` pixels around each pixel, and its lowest level has cells of `grid` pixels. Tiles therefore start at
 * multiples of the grid, and only what lies a halo away from a cut is taken from each.
 */

/**
 * Segments of one axis: pixels [start, stop) go in, results [first, last) are taken.
 *
 * @param {number} length pixels along the axis
 * @param {{tile: number, halo: number, grid: number}} rule side of a tile with its halo, reach and cells of the network
 * @returns {{start: number, stop: number, first: number, last: number}[]}
 */
export function segments(length, { tile, halo, grid }) {
  if (length <= tile) return [{ start: 0, stop: length, first: 0, last: length }];
  const margin = Math.ceil(halo / grid) * grid;
  const side = Math.max(Math.floor(tile / grid) * grid, 2 * margin + grid);
  const found = [];
  for (let first = 0; first < length; ) {
    const start = Math.max(first - margin, 0);
    const stop = Math.min(start + side, length);
    const last = stop === length ? length : stop - margin;
    found.push({ start, stop, first, last });
    first = last;
  }
  return found;
}

/**
 * Tiles of a picture, row by row.
 *
 * @returns {{x: object, y: object}[]} a segment of each axis
 */
export function tilesOf(width, height, rule) {
  const columns = segments(width, rule);
  return segments(height, rule).flatMap((y) => columns.map((x) => ({ x, y })));
}

/**
 * Side of the tiles that take the least time: large ones compute little twice, several keep several workers busy.
 *
 * @param {number} workers how many tiles are computed at the same time
 * @returns {number} at most `rule.tile`
 */
export function fastestSide(width, height, rule, workers) {
  const least = 2 * Math.ceil(rule.halo / rule.grid) * rule.grid + rule.grid;
  let best = { side: rule.tile, time: Infinity };
  for (let side = rule.tile; side >= least; side -= Math.ceil(rule.tile / 8)) {
    const areas = tilesOf(width, height, { ...rule, tile: side }).map(areaOf);
    const total = areas.reduce((sum, area) => sum + area, 0);
    const time = Math.max(total / workers, Math.max(...areas) * Math.ceil(areas.length / workers));
    if (time < best.time) best = { side, time };
  }
  return best.side;
}

/** Pixels that the network computes for a tile. */
export function areaOf({ x, y }) {
  return (x.stop - x.start) * (y.stop - y.start);
}

/**
 * Red, green and blue planes of a tile, one behind the other, from 0 to 1.
 *
 * @param {{width: number, data: Uint8ClampedArray}} picture RGBA, row by row
 * @param {number} planes 3, or 1 for the first plane of a grey picture
 * @returns {Float32Array}
 */
export function cut(picture, { x, y }, planes) {
  const width = x.stop - x.start;
  const area = width * (y.stop - y.start);
  const values = new Float32Array(planes * area);
  for (let row = y.start; row < y.stop; row++) {
    const to = (row - y.start) * width;
    const from = 4 * (row * picture.width + x.start);
    for (let plane = 0; plane < planes; plane++) {
      for (let column = 0; column < width; column++) {
        values[plane * area + to + column] = picture.data[from + 4 * column + plane] / 255;
      }
    }
  }
  return values;
}

/**
 * The part of a tile's result that is taken.
 *
 * @param {Float32Array} values planes of the whole tile
 * @returns {Float32Array} planes of the rows and columns [first, last)
 */
export function core(values, { x, y }) {
  const width = x.stop - x.start;
  const area = width * (y.stop - y.start);
  const across = x.last - x.first;
  const down = y.last - y.first;
  const planes = values.length / area;
  const taken = new Float32Array(planes * across * down);
  for (let plane = 0; plane < planes; plane++) {
    for (let row = 0; row < down; row++) {
      const from = plane * area + (y.first - y.start + row) * width + x.first - x.start;
      taken.set(values.subarray(from, from + across), (plane * down + row) * across);
    }
  }
  return taken;
}
