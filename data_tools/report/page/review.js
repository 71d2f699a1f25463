// The list of images to look at again, kept in the browser where it allows that, and its CSV.
const COLUMNS = ["image_id", "file_name", "status", "type", "suggested", "confidence", "reason", "decision"];
const DECISIONS = ["", "keep", "good", "defect", "exclude"];
const reviewKey = "review " + data.split + " " + data.images.length + " " + data.labels.join(" ");
const review = new Map(remembered());  // image id -> decision

function remembered() {
  try {
    const known = new Set(data.images.map((image) => image.id));
    return JSON.parse(localStorage.getItem(reviewKey) || "[]").filter(([id]) => known.has(id));
  } catch (error) { return []; }  // storage is refused, as for some pages opened from disk
}

function remember() {
  try { localStorage.setItem(reviewKey, JSON.stringify(Array.from(review))); } catch (error) { /* refused */ }
}

function knownFlags(image) {
  return data.labels.map((_, run) => flags(image, run)).filter((flag) => flag !== null);
}

// "good" or "defect": what the approaches say; they must all pass a defect, but one flag suffices against a good image.
function suggestionFor(image) {
  const flagged = knownFlags(image);
  return (flagged.length ? flagged.includes(true) : isDefect(image)) ? "defect" : "good";
}

// Share of the approaches that agree with the label as it stands; null without any threshold.
function confidenceIn(image) {
  const flagged = knownFlags(image);
  return flagged.length ? flagged.filter((flag) => flag === isDefect(image)).length / flagged.length : null;
}

function reasonFor(image) {
  const runs = data.labels.map((_, run) => run);
  const said = runs.map((run) => data.labels[run] + " " + describeRun(image, run));
  return [outcomesOf(image, runs).join(", "), ...said].filter(Boolean).join("; ");
}

// With a decision, "" while there is none, or off the list with null.
function setReview(image, decision) {
  if (decision === null) { review.delete(image.id); } else { review.set(image.id, decision); }
  remember();
  change({}, "review");
}

function toggleReview(image) {
  setReview(image, review.has(image.id) ? null : "");
}

// The most doubtful labels first.
function reviewed() {
  return data.images.filter((image) => review.has(image.id)).sort((a, b) => confidenceIn(a) - confidenceIn(b) || a.id - b.id);
}

function reviewRow(image) {
  const confidence = confidenceIn(image);
  return [image.id, image.file, image.status, image.type, suggestionFor(image),
    confidence === null ? "" : Number(confidence.toFixed(4)), reasonFor(image), review.get(image.id)];
}

// Text that a spreadsheet would run as a formula gets an apostrophe in front, as data_tools/files/csv_tables.py has it.
function defused(text) {
  const bare = text.replace(/^'* */, "");
  return /^[=+\-@\t\r\n]/.test(bare) && !Number.isFinite(Number(bare)) ? "'" + text : text;
}

function quoted(value) {
  const text = defused(String(value));
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

function decisionChoice(image) {
  const decision = review.get(image.id);
  const select = element("select", { "aria-label": `decision on image ${image.id}`, onchange: () => setReview(image, select.value) },
    DECISIONS.map((one) => element("option", { value: one, selected: one === decision }, [one || "undecided"])));
  return select;
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
    element("td", { class: "free" }, [image.file]), element("td", {}, [image.type]), element("td", {}, [suggestionFor(image)]),
    element("td", {}, [decisionChoice(image)]), element("td", { class: "free" }, [reasonFor(image)]),
    element("td", {}, [element("button", { type: "button", "aria-label": `remove image ${image.id} from the list`, onclick: () => setReview(image, null) }, ["Remove"])]),
  ]));
  byId("review-table").append(element("thead", {}, [element("tr", {}, head.map((name) => element("th", { scope: "col" }, [name])))]),
    element("tbody", {}, rows));
}
