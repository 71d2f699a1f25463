// Marks on a picture: an SVG in coordinates of the original image over the thumbnail, and the heat map as a canvas.
// `unit` is the length of one screen pixel in image pixels, so that lines are as wide whatever the scale.
const HALO = "#101010", TRUTH = "#56b4e9", FOUND = "#f0e442", PEAK = "#ffffff";
// One shape an approach, each around (0, 0) with an open middle that lets the peak's own pixel show.
const SHAPES = [
  "M-9 0H-3M9 0H3M0-9V-3M0 9V3",
  "M-7-7L-2.5-2.5M7-7L2.5-2.5M-7 7L-2.5 2.5M7 7L2.5 2.5",
  "M0-8L8 0L0 8L-8 0Z",
  "M-6-6H6V6H-6Z",
  "M0-8L8 6H-8Z",
  "M-8 0a8 8 0 1 0 16 0a8 8 0 1 0-16 0Z",
];
const SIGNS = ["+", "×", "◇", "□", "△", "○"];
const SMALL = { dashes: [4, 3], peak: 0.75 }, LARGE = { dashes: [7, 5], peak: 1 };

function shapeOf(run) { return SHAPES[run % SHAPES.length]; }

// The shape as a character, for text beside small pictures.
function signOf(run) { return SIGNS[run % SIGNS.length]; }

// A dark, wider line under a light one stands out from bright and dark pixels alike.
function haloed(name, attributes, colour, width, unit) {
  const line = Object.assign({ fill: "none", "stroke-linecap": "butt" }, attributes);
  const under = Object.assign({}, line, { stroke: HALO, "stroke-width": (width + 2) * unit });
  delete under["stroke-dasharray"];
  delete under.class;
  return [element(name, under), element(name, Object.assign(line, { stroke: colour, "stroke-width": width * unit }))];
}

// A frame around the box's pixels, so that it covers none of them.
function frameOf(box, colour, unit, extra) {
  const [x1, y1, x2, y2] = box, half = unit;
  const place = { x: x1 - half, y: y1 - half, width: x2 - x1 + 2 * half, height: y2 - y1 + 2 * half };
  return haloed("svg:rect", Object.assign(place, extra), colour, 2, unit);
}

// The point of the nearest true box that is nearest to the peak.
function nearestTruePoint([x, y], boxes) {
  let best = null, least = Infinity;
  for (const [x1, y1, x2, y2] of boxes) {
    const point = [Math.min(Math.max(x, x1), x2), Math.min(Math.max(y, y1), y2)];
    const distance = Math.hypot(point[0] - x, point[1] - y);
    if (distance < least) { best = point; least = distance; }
  }
  return best;
}

// Of a small picture the same marks as few paths: a card that scrolls into view is made within a frame.
function smallMarks(image, runs, unit) {
  const layers = state.layers, parts = [], lines = [], ends = [];
  const path = (d, colour, width, more) => { if (d) { parts.push(...haloed("svg:path", Object.assign({ d }, more), colour, width, unit)); } };
  const frames = (boxes) => boxes.map(([x1, y1, x2, y2]) =>
    `M${x1 - unit} ${y1 - unit}H${x2 + unit}V${y2 + unit}H${x1 - unit}Z`).join("");
  if (layers.has("truth")) { path(frames(image.boxes), TRUTH, 2); }
  if (layers.has("boxes")) {
    path(runs.map((run) => frames(image.runs[run].boxes)).join(""), FOUND, 2, { "stroke-dasharray": SMALL.dashes.map((length) => length * unit).join(" ") });
  }
  const peaks = runs.map((run) => [run, image.runs[run].peak]).filter(([, peak]) => peak);
  if (layers.has("line")) {
    for (const [run, peak] of peaks) {
      if (distanceOf(image, run) > 0) {
        const [x, y] = nearestTruePoint(peak, image.boxes), r = 2.5 * unit;
        lines.push(`M${peak[0]} ${peak[1]}L${x} ${y}`);
        ends.push(`M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`);
      }
    }
    path(lines.join(""), PEAK, 1.2);
    if (ends.length) { parts.push(element("svg:path", { d: ends.join(""), fill: PEAK, stroke: HALO, "stroke-width": unit })); }
  }
  if (layers.has("peak")) {
    for (const [run, [x, y]] of peaks) {
      parts.push(...haloed("svg:path", { d: shapeOf(run), transform: `translate(${x} ${y}) scale(${unit * SMALL.peak})` }, PEAK, 2, 1));
    }
  }
  return element("svg:svg", { viewBox: `0 0 ${image.w} ${image.h}`, "aria-hidden": "true" }, parts);
}

// The marks of some approaches; in order, so that peaks lie over boxes.
function marks(image, runs, layers, unit) {
  const svg = element("svg:svg", { viewBox: `0 0 ${image.w} ${image.h}`, "aria-hidden": "true" });
  if (layers.has("truth")) {
    image.boxes.forEach((box, i) => {
      svg.append(...frameOf(box, TRUTH, unit, { class: "truth" }));
      if (image.classes.length) { svg.append(trueTag(box, className(image.classes[i]), image, unit)); }
    });
  }
  if (layers.has("boxes")) {
    const dashes = { class: "found", "stroke-dasharray": LARGE.dashes.map((length) => length * unit).join(" ") };
    runs.map((run) => image.runs[run]).forEach((run) => run.boxes.forEach((box, i) => {
      svg.append(...frameOf(box, FOUND, unit, dashes), scoreTag(box, run, i, image, unit));
    }));
  }
  for (const run of runs) {
    const peak = image.runs[run].peak;
    if (!peak) { continue; }
    if (layers.has("line") && distanceOf(image, run) > 0) {
      const [x2, y2] = nearestTruePoint(peak, image.boxes);
      svg.append(...haloed("svg:line", { class: "line", x1: peak[0], y1: peak[1], x2, y2 }, PEAK, 1.2, unit));
      svg.append(element("svg:circle", { cx: x2, cy: y2, r: 2.5 * unit, fill: PEAK, stroke: HALO, "stroke-width": unit }));
    }
    if (layers.has("peak")) {
      const place = { class: "peak", d: shapeOf(run), transform: `translate(${peak[0]} ${peak[1]}) scale(${unit * LARGE.peak})` };
      svg.append(...haloed("svg:path", place, PEAK, 2, 1));
    }
  }
  return svg;
}

// Name of a class id; "" where the data have one class alone.
function className(id) { return data.categories[id - 1] || ""; }

function scoreTag(box, run, i, image, unit) {
  const name = run.classes.length ? `${className(run.classes[i])} ` : "";
  const above = box[1] > 17 * unit, y = above ? box[1] - 6 * unit : Math.min(box[3] + 14 * unit, image.h - 3 * unit);
  return labelAt(name + run.scores[i].toFixed(2), box[0], y, FOUND, image, unit);
}

// A true box's type stands inside its lower edge, away from the scores.
function trueTag(box, name, image, unit) {
  return labelAt(name, box[0] + 2 * unit, Math.max(box[3] - 4 * unit, 12 * unit), TRUTH, image, unit);
}

function labelAt(text, x, y, colour, image, unit) {
  const left = Math.max(0, Math.min(x, image.w - 7.5 * unit * text.length));
  const place = { x: left, y, fill: colour, stroke: HALO, "stroke-width": 3 * unit, "paint-order": "stroke", "font-size": 12 * unit };
  return element("svg:text", place, [text]);
}

const heatColours = bytes(data.colours);

// Bilinear between cell centres (half-pixel aligned), as heat map opacity and colour; null without a map to show.
function heatCanvas(image, run, opacity) {
  const map = image.runs[run].map;
  if (!map || !map.rows) { return null; }
  const cells = map.cells(), scale = Math.min(1, 320 / Math.max(image.w, image.h));
  const width = Math.max(1, Math.round(image.w * scale)), height = Math.max(1, Math.round(image.h * scale));
  const canvas = element("canvas", { width, height, class: "heat", "aria-hidden": "true" });
  const context = canvas.getContext("2d"), pixels = context.createImageData(width, height);
  const across = placesAlong(width, map.columns), down = placesAlong(height, map.rows);
  for (let y = 0, at = 0; y < height; y += 1) {
    const [top, bottom, dy] = down[y];
    for (let x = 0; x < width; x += 1, at += 4) {
      const [left, right, dx] = across[x];
      const upper = cells[top * map.columns + left] * (1 - dx) + cells[top * map.columns + right] * dx;
      const lower = cells[bottom * map.columns + left] * (1 - dx) + cells[bottom * map.columns + right] * dx;
      const value = Math.round(upper * (1 - dy) + lower * dy);
      pixels.data.set(heatColours.subarray(3 * value, 3 * value + 3), at);
      pixels.data[at + 3] = Math.round(opacity * value);
    }
  }
  context.putImageData(pixels, 0, 0);
  return canvas;
}

// For each of `target` pixels: the two cells around its centre, and how far it lies from the first to the second.
function placesAlong(target, source) {
  return Array.from({ length: target }, (_, i) => {
    const place = Math.min(Math.max((i + 0.5) * source / target - 0.5, 0), source - 1), low = Math.floor(place);
    return [low, Math.min(low + 1, source - 1), place - low];
  });
}

function pictureOf(image) {
  if (!image.jpeg && !data.folder) { return null; }
  const src = image.jpeg ? "data:image/jpeg;base64," + image.jpeg : `${encodeURIComponent(data.folder)}/${image.id}.jpg`;
  return element("img", { src, alt: "", loading: printing ? "eager" : "lazy" });
}

function drawLegend(target) {
  const svg = (children) => element("svg:svg", { width: 26, height: 18, "aria-hidden": "true", viewBox: "0 0 26 18" }, children);
  const entry = (picture, text) => target.append(element("span", {}, [picture, text]));
  target.replaceChildren();
  entry(svg(frameOf([5, 5, 21, 13], TRUTH, 1)), "true box");
  entry(svg(frameOf([5, 5, 21, 13], FOUND, 1, { "stroke-dasharray": "7 5" })), "predicted box");
  data.labels.forEach((label, run) => {
    entry(svg(haloed("svg:path", { d: shapeOf(run), transform: "translate(13 9) scale(.8)" }, PEAK, 2, 1)), "peak of " + label);
  });
  entry(svg(haloed("svg:line", { x1: 2, y1: 13, x2: 24, y2: 5 }, PEAK, 1.2, 1)), "distance to the nearest true point");
  entry(element("i", { class: "heat-scale" }), "heat map, low to high");
}
