// The data, the state of the page, and what follows from both: outcomes, distances, order. Draws nothing.
const data = JSON.parse(document.getElementById("data").textContent);
document.getElementById("data").textContent = "";  // the text is large and not needed again
data.images = imagesOf(data.images, data.runs);
const LAYERS = ["truth", "boxes", "heat", "peak", "line"];
const FAULTS = ["escape", "overkill", "no peak", "off target", "near miss"];
const state = freshState();
const listeners = [];

function freshState() {
  return {
    outcome: "", by: "", type: "", status: "", order: "distance", find: "", image: null, log: false,
    layers: new Set(LAYERS), heat: 60, hidden: new Set(), thresholds: data.thresholds.slice(),
  };
}

// Everything that shows state is told after each change; `what` is "threshold", "filter", "image" or "layers".
function onChange(listener) { listeners.push(listener); }
function change(values, what) {
  Object.assign(state, values);
  listeners.forEach((listener) => listener(what));
}

function isDefect(image) { return image.status !== "good"; }

// Indices of the approaches that outcome, score and distance speak of.
function chosenRuns() {
  return state.by === "" ? data.labels.map((_, i) => i) : [Number(state.by)];
}

// Pixels to the nearest true box; Infinity for an abstention, null where the image has no true box.
function distanceOf(image, run) {
  if (image.status !== "boxed") { return null; }
  return image.runs[run].px === null ? Infinity : image.runs[run].px;
}

// Whether an approach flags the image; null where it has no threshold.
function flags(image, run) {
  const threshold = state.thresholds[run];
  return threshold === null ? null : image.runs[run].score >= threshold;
}

// As `Case.outcomes` in cases.py: one approach suffices for a fault, a success needs all.
function outcomesOf(image, runs) {
  const flagged = runs.map((run) => flags(image, run)).filter((flag) => flag !== null);
  const distances = image.status === "boxed" ? runs.map((run) => distanceOf(image, run)) : [];
  const nearest = Math.min(...distances, Infinity), farthest = Math.max(...distances, 0);
  const any = flagged.includes(true), all = !flagged.includes(false), defect = isDefect(image);
  const holds = {
    "escape": defect && !all,
    "overkill": !defect && any,
    "no peak": farthest === Infinity,
    "off target": distances.some((px) => px > data.near_px && px < Infinity),
    "near miss": distances.some((px) => px > 0 && px <= data.near_px),
    "disagreement": (any && !all) || (nearest <= 0 && farthest > data.near_px),
    "hit": distances.length > 0 && farthest <= 0,
    "caught": defect && flagged.length > 0 && all,
    "pass": !defect && flagged.length > 0 && !any,
  };
  return Object.keys(holds).filter((name) => holds[name]);
}

// Share of images that score lower, by approach and image: scores of two approaches have no common scale.
const ranks = data.labels.map((_, run) => {
  const sorted = Float64Array.from(data.images, (image) => image.runs[run].score).sort();
  const below = new Map();
  sorted.forEach((score, i) => { if (!below.has(score)) { below.set(score, i / sorted.length); } });
  return data.images.map((image) => below.get(image.runs[run].score));
});

function spread(values) { return values.length ? Math.max(...values) - Math.min(...values) : 0; }

// Flagged differently first, then by how far apart distances (as share of the diagonal) and score ranks are.
function disagreementOf(image) {
  const runs = data.labels.map((_, i) => i);
  const flagged = new Set(runs.map((run) => flags(image, run)).filter((flag) => flag !== null));
  const diagonal = Math.hypot(image.w, image.h);
  const apart = spread(runs.map((run) => Math.min(1, (distanceOf(image, run) || 0) / diagonal)));
  return (flagged.size > 1 ? 2 : 0) + apart + spread(runs.map((run) => ranks[run][image.place]));
}

function orderKey(image, runs) {
  if (state.order === "distance") {
    const distances = runs.map((run) => distanceOf(image, run));
    return image.status === "boxed" ? Math.max(...distances) : -1;
  }
  if (state.order === "disagreement") { return disagreementOf(image); }
  if (state.order === "id") { return -image.id; }
  const score = Math.max(...runs.map((run) => image.runs[run].score));
  return state.order === "score" ? score : -score;
}

// The images that pass the filter, in the chosen order, highest key first.
function chosenImages() {
  const runs = chosenRuns(), find = state.find.trim().toLowerCase();
  const kept = data.images.filter((image) =>
    (!state.type || image.type === state.type) && (!state.status || image.status === state.status) &&
    (!find || String(image.id) === find || image.file.toLowerCase().includes(find) || image.group.toLowerCase() === find) &&
    (!state.outcome || outcomesOf(image, runs).includes(state.outcome)));
  const keys = new Map(kept.map((image) => [image, orderKey(image, runs)]));
  return kept.sort((a, b) => (keys.get(a) === keys.get(b) ? a.id - b.id : keys.get(a) < keys.get(b) ? 1 : -1));
}

function describeDistance(px) {
  if (px === null) { return ""; }
  if (px === Infinity) { return "no peak"; }
  return px > 0 ? (px < 0.05 ? "< 0.1" : px.toFixed(1)) + " px" : "hit";
}

function describeScore(score) { return Number(score.toPrecision(3)).toString(); }

// "12.3 px, score 0.913 flagged"
function describeRun(image, run) {
  const flag = flags(image, run), prediction = image.runs[run], parts = ["score " + describeScore(prediction.score)];
  if (flag !== null) { parts[0] += flag ? " flagged" : " passed"; }
  const distance = distanceOf(image, run);
  if (distance !== null) { parts.unshift(describeDistance(distance)); } else if (!prediction.peak) { parts.unshift("no peak"); }
  if (prediction.map && !prediction.map.rows) { parts.push("flat map"); }
  return parts.join(", ");
}

// Text as it is read: controls and turns of direction as escapes, as data_tools/core/printable.py has it.
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}]/gu;
function printable(text) {
  const name = (code) => (code < 0x100 ? "x" + code.toString(16).padStart(2, "0")
    : code < 0x10000 ? "u" + code.toString(16).padStart(4, "0") : "U" + code.toString(16).padStart(8, "0"));
  return text.replace(UNSEEN, (character) => "\\" + ({ "\n": "n", "\r": "r", "\t": "t" }[character] || name(character.codePointAt(0))));
}

// An element with attributes and children; text is always text, never markup, and printable.
function element(name, attributes, children) {
  const made = name.startsWith("svg:") ? document.createElementNS("http://www.w3.org/2000/svg", name.slice(4))
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === "onclick" || key === "onchange" || key === "oninput") { made.addEventListener(key.slice(2), value); }
    else if (value === true) { made.setAttribute(key, ""); }
    else if (key === "title" || key === "aria-label") { made.setAttribute(key, printable(String(value))); }
    else if (value !== false && value !== null && value !== undefined) { made.setAttribute(key, value); }
  }
  (children || []).forEach((child) => made.append(typeof child === "string" ? printable(child) : child));
  return made;
}

function byId(id) { return document.getElementById(id); }
