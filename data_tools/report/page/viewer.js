// One image in large: the bare picture beside what each approach says of it.
const viewer = byId("viewer");
const LAYER_NAMES = { truth: "true box", boxes: "predicted boxes", heat: "heat map", peak: "peaks", line: "distance line" };
const LAYER_KEYS = { t: "truth", b: "boxes", h: "heat", p: "peak", d: "line" };
let last = null;  // the image that was shown last

function imageById(id) { return data.images.find((image) => image.id === id); }

function drawViewer() {
  const image = state.image === null ? null : imageById(state.image);
  if (!image) {
    if (viewer.open) { viewer.close(); }
    return;
  }
  const focused = viewer.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  viewer.replaceChildren(viewerHead(image), element("div", { class: "viewer-body" }, [
    switches(), element("div", { class: "panels" }), toReview(image)]));
  viewer.setAttribute("aria-label", printable(`image ${image.id}, ${image.type}`));
  last = image.id;
  if (!viewer.open) { viewer.showModal(); }
  drawPanels(image);
  const again = viewer.querySelector(`[data-key="${focused || "close"}"]`);
  if (again) { again.focus(); }
}

function viewerHead(image) {
  const images = shownImages(), place = images.indexOf(image);
  const step = (by, text, name) => element("button", { type: "button", "data-key": name, "aria-label": name + " image",
    disabled: place < 0 || !images[place + by], onclick: () => stepImage(by) }, [text]);
  const shown = outcomesOf(image, data.labels.map((_, run) => run));
  return element("div", { class: "viewer-head" }, [
    element("div", {}, [element("h3", {}, [`${image.id} · ${image.file}`]), ...shown.map(tag),
      element("span", { class: "faint" }, [` ${describeTruth(image)}, ${image.w} × ${image.h} px, group ${image.group}`])]),
    element("span", { class: "faint" }, [place < 0 ? "not in the selection" : `${place + 1} of ${images.length}`]),
    step(-1, "←", "previous"), step(1, "→", "next"),
    element("button", { type: "button", "data-key": "close", onclick: () => change({ image: null }, "image") }, ["Close"]),
  ]);
}

function tag(name) { return element("span", { class: "tag" + (FAULTS.includes(name) ? " fault" : "") }, [name]); }

function describeTruth(image) {
  if (image.status === "good") { return "good"; }
  if (image.status === "unboxed") { return image.type + ", area not annotated"; }
  return `${image.type}, ${image.boxes.length} box${image.boxes.length > 1 ? "es" : ""}`;
}

function switches() {
  const box = (key, text, checked, onchange) => element("label", {}, [
    element("input", { type: "checkbox", "data-key": key, checked, onchange }), text]);
  const parts = LAYERS.map((layer) => box(layer, LAYER_NAMES[layer], state.layers.has(layer), () => toggleLayer(layer)));
  const heat = element("input", { type: "range", min: 0, max: 100, value: state.heat, "data-key": "opacity", "aria-label": "heat map opacity in percent",
    oninput: () => change({ heat: Number(heat.value) }, "opacity") });
  parts.splice(3, 0, element("label", {}, ["opacity", heat]));
  data.labels.forEach((label, run) => parts.push(box("run" + run, label, !state.hidden.has(run), () => toggleRun(run))));
  return element("fieldset", { class: "switches", "aria-label": "what is drawn" }, parts);
}

function toggled(set, value) {
  const other = new Set(set);
  if (!other.delete(value)) { other.add(value); }
  return other;
}

function toggleLayer(layer) { change({ layers: toggled(state.layers, layer) }, "layers"); }
function toggleRun(run) { change({ hidden: toggled(state.hidden, run) }, "layers"); }

// The bare picture and one panel an approach, as large as fits beside each other.
function drawPanels(image) {
  const target = viewer.querySelector(".panels"), runs = data.labels.map((_, i) => i).filter((run) => !state.hidden.has(run));
  const columns = Math.max(1, Math.min(runs.length + 1, Math.floor(target.clientWidth / 260)));
  const width = Math.min((target.clientWidth - 16 * (columns - 1)) / columns, 0.62 * innerHeight * image.w / image.h, 900);
  target.replaceChildren(panel(image, [], width, "image", describeTruth(image)),
    ...runs.map((run) => panel(image, [run], width, data.labels[run], describeRun(image, run))));
}

function panel(image, runs, width, title, text) {
  const layers = runs.length ? state.layers : new Set();
  const frame = element("div", { class: "frame", style: `width:${Math.floor(width)}px;aspect-ratio:${image.w}/${image.h}` });
  const parts = [pictureOf(image), ...(layers.has("heat") ? runs.map((run) => heatCanvas(image, run, state.heat / 100)) : []),
    marks(image, runs, layers, image.w / width)];
  frame.append(...parts.filter(Boolean));
  return element("figure", { class: "panel", style: `width:${Math.floor(width)}px` }, [
    element("figcaption", {}, [element("b", {}, [title]), text]), frame]);
}

function toReview(image) {
  const sent = review.has(image.id);
  const button = element("button", { type: "button", "data-key": "review", "aria-pressed": String(sent), onclick: () => toggleReview(image) },
    [sent ? "On the review list" : "Send to review"]);
  const parts = [button];
  if (sent) { parts.push(element("label", {}, ["decision ", decisionChoice(image)])); }
  parts.push(element("span", { class: "faint" }, ["Keys: ← → other images, R review, T B H P D switches, Esc back"]));
  return element("div", { class: "to-review" }, parts);
}

function stepImage(by) {
  const images = shownImages(), next = images[images.findIndex((image) => image.id === state.image) + by];
  if (next) { change({ image: next.id }, "image"); }
}

function onViewerKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) { return; }
  if (event.target.matches("select, input[type=range], input[type=number]") && event.key.startsWith("Arrow")) { return; }
  const key = event.key.toLowerCase();
  if (key === "arrowleft") { stepImage(-1); }
  else if (key === "arrowright") { stepImage(1); }
  else if (event.target.matches("select")) { return; }
  else if (key === "r") { toggleReview(imageById(state.image)); }
  else if (LAYER_KEYS[key]) { toggleLayer(LAYER_KEYS[key]); }
  else { return; }
  event.preventDefault();
}

viewer.addEventListener("keydown", onViewerKey);
viewer.addEventListener("click", (event) => { if (event.target === viewer) { change({ image: null }, "image"); } });
viewer.addEventListener("close", () => {
  if (state.image !== null) { change({ image: null }, "image"); }
  focusImage(last);
});
