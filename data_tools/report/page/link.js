// The address keeps the view, so that a copied link reopens it; then everything is put together.
const WORDS = ["outcome", "by", "type", "status", "order", "find"];

function toHash() {
  const fresh = freshState(), words = new URLSearchParams();
  WORDS.forEach((key) => { if (state[key] !== fresh[key]) { words.set(key, state[key]); } });
  if (state.image !== null) { words.set("image", state.image); }
  if (state.layers.size < LAYERS.length) { words.set("layers", Array.from(state.layers).join(".")); }
  if (state.heat !== fresh.heat) { words.set("heat", state.heat); }
  if (state.hidden.size) { words.set("hidden", Array.from(state.hidden).join(".")); }
  state.thresholds.forEach((value, run) => { if (value !== fresh.thresholds[run]) { words.set("threshold" + run, value); } });
  return words.toString();
}

// The state that a hash describes; what it does not know of is left as it is at first.
function fromHash(hash) {
  const words = new URLSearchParams(hash), values = freshState();
  WORDS.forEach((key) => {
    const control = byId(key), value = words.get(key);
    const known = value !== null && (control.tagName !== "SELECT" || Array.from(control.options).some((option) => option.value === value));
    if (known) { values[key] = value; }
  });
  if (imageById(Number(words.get("image")))) { values.image = Number(words.get("image")); }
  if (words.has("layers")) { values.layers = new Set(words.get("layers").split(".").filter((layer) => LAYERS.includes(layer))); }
  if (words.has("heat")) { values.heat = Math.min(Math.max(Number(words.get("heat")) || 0, 0), 100); }
  if (words.has("hidden")) { values.hidden = new Set(words.get("hidden").split(".").map(Number).filter((run) => run in data.labels)); }
  data.labels.forEach((_, run) => {
    const value = words.has("threshold" + run) ? Number(words.get("threshold" + run)) : NaN;
    if (Number.isFinite(value)) { values.thresholds[run] = value; }
  });
  delete values.log;
  return values;
}

function writeHash() {
  const hash = toHash();
  if (hash !== location.hash.slice(1)) { history.replaceState(null, "", hash ? "#" + hash : location.pathname + location.search); }
}

function readHash() {
  const hash = location.hash.slice(1);
  if (!hash || hash.includes("=")) { change(fromHash(hash), "everything"); }  // else the name of a section
}

async function copyLink() {
  writeHash();
  try { await navigator.clipboard.writeText(location.href); } catch (error) { prompt("The link to this view:", location.href); return; }
  byId("copy-link").textContent = "Copied";
  setTimeout(() => { byId("copy-link").textContent = "Copy link"; }, 1500);
}

function fillSelect(id, entries) {
  byId(id).append(...entries.map(([value, text]) => element("option", { value }, [text])));
}

function showState(what) {
  WORDS.forEach((key) => { if (byId(key).value !== state[key]) { byId(key).value = state[key]; } });
  if (what === "opacity") {
    drawPanels(imageById(state.image));
  } else {
    if (what === "threshold" || what === "everything" || what === "size") { data.labels.forEach((_, run) => showThreshold(run)); }
    if (what !== "image") { drawGallery(); drawReview(); }
    drawViewer();
  }
  if (what === "image" || what === "filter" || what === "layers") { writeHash(); } else { writeHashSoon(); }
}

let hashTimer = 0;
function writeHashSoon() {  // browsers limit how often the address may change, and a slider changes it often
  clearTimeout(hashTimer);
  hashTimer = setTimeout(writeHash, 250);
}

fillSelect("by", data.labels.map((label, run) => [String(run), label]));
fillSelect("type", Array.from(new Set(data.images.map((image) => image.type))).sort().map((type) => [type, type]));
WORDS.forEach((key) => byId(key).addEventListener("input", () => change({ [key]: byId(key).value }, "filter")));
byId("filters").addEventListener("submit", (event) => event.preventDefault());
byId("clear").addEventListener("click", (event) => {
  event.preventDefault();
  const fresh = freshState();
  change(Object.fromEntries(WORDS.map((key) => [key, fresh[key]])), "filter");
});
byId("log-counts").addEventListener("change", (event) => change({ log: event.target.checked }, "size"));
byId("copy-link").addEventListener("click", copyLink);
byId("export").addEventListener("click", exportReview);
byId("empty-review").addEventListener("click", () => { review.clear(); remember(); change({}, "review"); });
byId("send-shown").addEventListener("click", () => {
  shownImages().forEach((image) => { if (!review.has(image.id)) { review.set(image.id, ""); } });
  remember();
  change({}, "review");
});
let width = innerWidth;
addEventListener("resize", () => {
  if (innerWidth !== width) { width = innerWidth; showState("size"); }
});
addEventListener("hashchange", readHash);
onChange(showState);
drawLegend(byId("legend"));
drawThresholds();
change(fromHash(location.hash.slice(1)), "everything");
