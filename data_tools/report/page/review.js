// The list of images to look at again, kept in the browser where it allows that, and its CSV.
const COLUMNS = ["image_id", "file_name", "status", "type", "suggested", "confidence", "reason", "decision"];
const DECISIONS = ["", "accept", "reject"];
const reviewKey = "review " + data.split + " " + data.images.length + " " + data.labels.join(" ");
const review = new Map(remembered());  // image id -> {suggested, decision}

function remembered() {
  try {
    const known = new Set(data.images.map((image) => image.id));
    return JSON.parse(localStorage.getItem(reviewKey) || "[]").filter(([id]) => known.has(id));
  } catch (error) { return []; }  // storage is refused, as for some pages opened from disk
}

function remember() {
  try { localStorage.setItem(reviewKey, JSON.stringify(Array.from(review))); } catch (error) { /* refused */ }
}

// What the approaches say against the label: a flagged good image is a defect, one passed by all is good.
function suggestionFor(image) {
  const flagged = data.labels.map((_, run) => flags(image, run)).filter((flag) => flag !== null);
  if (!isDefect(image)) { return flagged.includes(true) ? "defect" : "good"; }
  return flagged.length && !flagged.includes(true) ? "good" : image.type;
}

// Share of the approaches whose flag agrees with the suggestion; null without any threshold.
function confidenceOf(image, suggested) {
  const flagged = data.labels.map((_, run) => flags(image, run)).filter((flag) => flag !== null);
  return flagged.length ? flagged.filter((flag) => flag === (suggested !== "good")).length / flagged.length : null;
}

function reasonFor(image) {
  const runs = data.labels.map((_, run) => run);
  const said = runs.map((run) => data.labels[run] + " " + describeRun(image, run));
  return [outcomesOf(image, runs).join(", "), ...said].filter(Boolean).join("; ");
}

function setReview(image, entry) {
  if (entry) { review.set(image.id, entry); } else { review.delete(image.id); }
  remember();
  change({}, "review");
}

function toggleReview(image) {
  setReview(image, review.has(image.id) ? null : { suggested: suggestionFor(image), decision: "" });
}

function reviewed() { return data.images.filter((image) => review.has(image.id)); }

function reviewRow(image) {
  const { suggested, decision } = review.get(image.id), confidence = confidenceOf(image, suggested);
  return [image.id, image.file, image.status, image.type, suggested, confidence === null ? "" : Number(confidence.toFixed(3)),
    reasonFor(image), decision];
}

function quoted(value) {
  const text = String(value);
  return /[",\r\n]|^\s|\s$/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
}

function reviewCsv() {
  return [COLUMNS, ...reviewed().map(reviewRow)].map((row) => row.map(quoted).join(",") + "\n").join("");
}

function exportReview() {
  const address = URL.createObjectURL(new Blob([reviewCsv()], { type: "text/csv;charset=utf-8" }));
  const link = element("a", { href: address, download: "review.csv" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

function choice(values, value, label, onchange) {
  const select = element("select", { "aria-label": label, onchange: () => onchange(select.value) },
    values.map((one) => element("option", { value: one, selected: one === value }, [one || "undecided"])));
  return select;
}

function suggestionChoice(image) {
  const entry = review.get(image.id), all = new Set(["good", "defect", ...data.images.map((one) => one.type)]);
  return choice(Array.from(all), entry.suggested, `suggested label of image ${image.id}`,
    (suggested) => setReview(image, Object.assign({}, entry, { suggested })));
}

function decisionChoice(image) {
  const entry = review.get(image.id);
  return choice(DECISIONS, entry.decision, `decision on image ${image.id}`,
    (decision) => setReview(image, Object.assign({}, entry, { decision })));
}

const MOST_ROWS = 200;

function drawReview() {
  const images = reviewed(), head = ["image", "file", "label", "suggested", "decision", "reason", ""];
  byId("review-count").textContent = images.length ? `${images.length} to review` +
    (images.length > MOST_ROWS ? `; the first ${MOST_ROWS} are listed here, the CSV has all` : "") : "Nothing on the list yet.";
  ["export", "empty-review"].forEach((id) => { byId(id).disabled = !images.length; });
  byId("review-table").replaceChildren();
  if (!images.length) { return; }
  const rows = images.slice(0, MOST_ROWS).map((image) => element("tr", {}, [
    element("th", { scope: "row" }, [element("button", { type: "button", onclick: () => change({ image: image.id }, "image") }, [String(image.id)])]),
    element("td", {}, [image.file]), element("td", {}, [image.type]), element("td", {}, [suggestionChoice(image)]),
    element("td", {}, [decisionChoice(image)]), element("td", {}, [reasonFor(image)]),
    element("td", {}, [element("button", { type: "button", "aria-label": `remove image ${image.id} from the list`, onclick: () => setReview(image, null) }, ["Remove"])]),
  ]));
  byId("review-table").append(element("thead", {}, [element("tr", {}, head.map((name) => element("th", { scope: "col" }, [name])))]),
    element("tbody", {}, rows));
}
