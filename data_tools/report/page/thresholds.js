// Histograms of the scores by status, one an approach, over the slider that moves its threshold.
const STATUSES = [
  { name: "good", text: "good", colour: "#6b7278", fill: "#c9ced3", dash: "" },
  { name: "boxed", text: "defect with boxes", colour: "#d55e00", fill: "none", dash: "" },
  { name: "unboxed", text: "defect without boxes", colour: "#0072b2", fill: "none", dash: "5 3" },
];
const BINS = 40, PLOT = { left: 34, right: 14, top: 10, bottom: 30, height: 180 };

function lineOf(status) {
  return { fill: status.fill, stroke: status.colour, "stroke-width": 1.6, "stroke-dasharray": status.dash };
}

function drawStatusLegend() {
  for (const status of STATUSES) {
    const n = data.images.filter((image) => image.status === status.name).length;
    const sample = element("svg:svg", { width: 26, height: 14, class: "swatch", "aria-hidden": "true" },
      [element("svg:path", Object.assign({ d: "M3 12V3H23V12" }, lineOf(status)))]);
    if (n) { byId("status-legend").append(element("span", {}, [sample, `${status.text} (${n})`])); }
  }
}

function drawThresholds() {
  drawStatusLegend();
  const target = byId("threshold-panels");
  target.replaceChildren(...data.labels.map((label, run) => thresholdPanel(label, run)));
}

function scoreRange(run) {
  const scores = data.images.map((image) => image.runs[run].score).concat(data.thresholds[run] === null ? [] : [data.thresholds[run]]);
  const low = scores.reduce((a, b) => Math.min(a, b), Infinity), high = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  const margin = (high - low || 1) * 0.005;  // so that the slider can go past the lowest and the highest score
  return [low - margin, high + margin];
}

function thresholdPanel(label, run) {
  const [low, high] = scoreRange(run), name = "threshold of " + label;
  const set = (text) => { const value = Number(text); if (text !== "" && Number.isFinite(value)) { setThreshold(run, value); } };
  const range = element("input", { type: "range", min: low, max: high, step: (high - low) / 1000, "aria-label": name,
    oninput: () => set(range.value) });
  const exact = element("input", { type: "number", step: "any", "aria-label": name + ", exact", onchange: () => set(exact.value) });
  const values = [element("label", {}, ["threshold ", exact])];
  if (data.thresholds[run] !== null) {
    values.push(element("button", { type: "button", onclick: () => setThreshold(run, data.thresholds[run]) }, ["Reset"]));
  }
  values.push(element("span", { class: "outcome", role: "status", "aria-live": "polite" }));
  const panel = element("fieldset", { class: "threshold" }, [
    element("legend", {}, [label]), element("div", { class: "plot" }), range, element("div", { class: "values" }, values)]);
  panel.dataset.run = run;
  return panel;
}

function setThreshold(run, value) {
  const thresholds = state.thresholds.slice();
  thresholds[run] = value;
  change({ thresholds }, "threshold");
}

function showThreshold(run) {
  const panel = byId("threshold-panels").children[run], plot = panel.querySelector(".plot"), threshold = state.thresholds[run];
  const width = Math.max(260, panel.clientWidth || 480);
  plot.replaceChildren(histogram(run, width));
  const range = panel.querySelector("input[type=range]");
  range.style.marginLeft = PLOT.left - 8 + "px";  // half of the thumb's width, so that it stands under its score
  range.style.width = width - PLOT.left - PLOT.right + 16 + "px";
  if (threshold !== null) {
    range.value = threshold;
    panel.querySelector("input[type=number]").value = Number(threshold.toPrecision(6));
  }
  panel.querySelector(".outcome").replaceChildren(...describeThreshold(run));
}

// "escapes 2 of 40 (5.0 %), overkills 3 of 60 (5.0 %), 30 of 36 boxed defects flagged and located within 15 px"
function describeThreshold(run) {
  if (state.thresholds[run] === null) { return ["no threshold: it takes good and defective images to choose one"]; }
  const count = (test) => data.images.reduce((n, image) => n + (test(image) ? 1 : 0), 0);
  const defects = count(isDefect), goods = data.images.length - defects, boxed = count((image) => image.status === "boxed");
  const share = (n, of) => ` of ${of}` + (of ? ` (${(100 * n / of).toFixed(1)} %)` : "");
  const escapes = count((image) => isDefect(image) && !flags(image, run));
  const overkills = count((image) => !isDefect(image) && flags(image, run));
  const located = count((image) => image.status === "boxed" && flags(image, run) && distanceOf(image, run) <= data.near_px);
  const button = (n, outcome) => element("button", { type: "button", class: "count", "data-outcome": outcome,
    title: "show these images", onclick: () => showOutcome(run, outcome) }, [`${n} ${outcome}${n === 1 ? "" : "s"}`]);
  return [button(escapes, "escape"), share(escapes, defects) + ", ", button(overkills, "overkill"), share(overkills, goods),
    `; located within ${data.near_px} px: ${located} of ${boxed} boxed`, ...describeCost(escapes, overkills),
    ...describeUseless(escapes, defects, overkills, goods)];
}

// What the mistakes cost at the share of defects of these images: "; cost 0.412 an image, 103 in all".
function describeCost(escapes, overkills) {
  if (!data.costs) { return []; }
  const cost = escapes * data.costs[0] + overkills * data.costs[1], digits = (value) => Number(value.toPrecision(3)).toLocaleString("en");
  return ["; cost ", element("b", { class: "cost" }, [digits(cost / data.images.length)]), ` an image, ${digits(cost)} in all`];
}

function describeUseless(escapes, defects, overkills, goods) {
  const why = goods && overkills === goods ? "flags every good image" : defects && escapes === defects && !overkills ? "flags no image" : "";
  return why ? [element("strong", { class: "useless" }, [`Useless: this threshold ${why}.`])] : [];
}

function showOutcome(run, outcome) {
  change({ by: String(run), outcome, type: "", status: "", find: "" }, "filter");
  byId("images").scrollIntoView();
}

function countByBin(run, low, high) {
  const counts = STATUSES.map(() => new Array(BINS).fill(0));
  data.images.forEach((image) => {
    const bin = Math.min(BINS - 1, Math.floor((image.runs[run].score - low) / (high - low) * BINS));
    counts[STATUSES.findIndex((status) => status.name === image.status)][bin] += 1;
  });
  return counts;
}

// Multiples of 1, 2 or 5 times a power of ten, about five between the ends.
function niceTicks(low, high) {
  const rough = (high - low) / 5, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(6)));
}

function axisText(x, y, anchor, text) {
  return element("svg:text", { class: "axis", x, y, "text-anchor": anchor }, [String(text)]);
}

function histogram(run, width) {
  const [low, high] = scoreRange(run), inner = width - PLOT.left - PLOT.right, floor = PLOT.height - PLOT.bottom;
  const x = (score) => PLOT.left + (score - low) / (high - low) * inner;
  const counts = countByBin(run, low, high), most = Math.max(...counts.flat(), 1);
  const y = (n) => floor - (state.log ? Math.log10(1 + n) / Math.log10(1 + most) : n / most) * (floor - PLOT.top);
  const parts = [element("svg:path", { d: `M${PLOT.left} ${floor}H${width - PLOT.right}`, stroke: "#5c6268", fill: "none" }),
    ...[0, most].map((n) => axisText(PLOT.left - 5, y(n) + 4, "end", n)),
    ...niceTicks(low, high).map((score) => axisText(x(score), floor + 14, "middle", score)),
    axisText(PLOT.left + inner / 2, floor + 27, "middle", "score")];
  STATUSES.forEach((status, i) => {
    // nothing is drawn along the floor where a status has no image
    const steps = counts[i].map((count, bin) => {
      const left = PLOT.left + bin * inner / BINS, begins = count && !counts[i][bin - 1], ends = count && !counts[i][bin + 1];
      return !count ? "" : `${begins ? `M${left} ${floor}` : ""}V${y(count)}H${left + inner / BINS}${ends ? `V${floor}` : ""}`;
    }).join("");
    parts.push(element("svg:path", Object.assign({ d: steps }, lineOf(status))));
  });
  if (state.thresholds[run] !== null) {
    const at = Math.min(Math.max(x(state.thresholds[run]), PLOT.left), width - PLOT.right);
    parts.push(element("svg:path", { class: "cut", d: `M${at} ${PLOT.top - 4}V${floor + 4}`, stroke: "#14181c", "stroke-width": 1.6, "stroke-dasharray": "4 2" }));
  }
  return element("svg:svg", { viewBox: `0 0 ${width} ${PLOT.height}`, height: PLOT.height, role: "img",
    "aria-label": "histogram of the scores of " + data.labels[run] + " by status" }, parts);
}
