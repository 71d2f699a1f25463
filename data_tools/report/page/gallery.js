// The gallery: only the cards in view exist, so that thousands of images scroll as smoothly as ten.
const grid = byId("grid");
const CARD = { least: 165, picture: 150, text: 92, line: 18, gap: 10, spare: 2, printed: 60 };
let shown = [], columns = 1, cards = new Map(), printing = false;

// Two values fit beside each other, further ones take lines of their own.
function cardHeight() { return CARD.picture + CARD.text + CARD.line * Math.max(0, chosenRuns().length - 2); }

function shownImages() { return shown; }

function drawGallery() {
  shown = chosenImages();
  byId("count").textContent = `${shown.length} of ${data.images.length} images`;
  cards.forEach((card) => card.remove());
  cards = new Map();
  layOut();
}

function layOut() {
  columns = Math.max(1, Math.floor((grid.clientWidth + CARD.gap) / (CARD.least + CARD.gap)));
  const rows = Math.ceil(shown.length / columns), pitch = cardHeight() + CARD.gap;
  grid.style.height = Math.max(0, rows * pitch - CARD.gap) + "px";
  showVisible();
}

// Make the cards that are in view or nearly so, and drop the others.
function showVisible() {
  const pitch = cardHeight() + CARD.gap, top = -grid.getBoundingClientRect().top;
  const first = printing ? 0 : Math.max(0, (Math.floor(top / pitch) - CARD.spare) * columns);
  const end = Math.min(shown.length, printing ? CARD.printed : (Math.ceil((top + innerHeight) / pitch) + CARD.spare) * columns);
  cards.forEach((card, place) => {
    if ((place < first || place >= end) && !card.contains(document.activeElement)) { card.remove(); cards.delete(place); }
  });
  const width = (grid.clientWidth - CARD.gap * (columns - 1)) / columns;
  let next = null;
  for (let place = end - 1; place >= first; place -= 1) {  // in order, so that Tab goes from one to the next
    if (!cards.has(place)) {
      const card = cardOf(shown[place], place, width);
      card.style.width = width + "px";
      card.style.height = cardHeight() + "px";
      card.style.transform = `translate(${(place % columns) * (width + CARD.gap)}px, ${Math.floor(place / columns) * pitch}px)`;
      cards.set(place, card);
      grid.insertBefore(card, next || afterLast(place));
    }
    next = cards.get(place);
  }
}

// The first card beyond a place: one that was kept because it has the focus.
function afterLast(place) {
  return Array.from(grid.children).find((other) => Number(other.dataset.place) > place) || null;
}

function cardOf(image, place, width) {
  const runs = chosenRuns(), outcomes = outcomesOf(image, runs);
  const unit = Math.max(image.w / width, image.h / CARD.picture);
  const frame = element("div", { class: "frame", style: `height:${CARD.picture}px` });
  frame.append(...[pictureOf(image), smallMarks(image, runs, unit)].filter(Boolean));
  const said = runs.map((run) => signOf(run) + " " +
    (image.status === "boxed" ? describeDistance(distanceOf(image, run)) : describeScore(image.runs[run].score)));
  const head = outcomes.filter((name) => FAULTS.includes(name)).concat(outcomes.filter((name) => !FAULTS.includes(name)));
  const what = [image.status === "boxed" ? "" : "score ", ...said.map((text) => element("span", { class: "said" }, [text]))];
  const name = `image ${image.id}, ${image.type}, ${outcomes.join(", ")}, ${runs.map((run) => data.labels[run] + " " + describeRun(image, run)).join("; ")}`;
  const card = element("button", { type: "button", class: "card" + (review.has(image.id) ? " sent" : ""), title: image.file,
    onclick: () => change({ image: image.id }, "image") }, [
    frame, element("div", { class: "text" }, [element("span", { class: "tags" }, head.map(tag)), element("span", { class: "values" }, what),
      element("span", { class: "meta" }, [`${image.id} ${image.type}`])])]);
  card.setAttribute("aria-label", printable(name));
  // a list item may not be a button, so the button sits in one
  const item = element("div", { role: "listitem", class: "item", "aria-setsize": shown.length, "aria-posinset": place + 1 }, [card]);
  item.dataset.place = place;
  item.dataset.image = image.id;
  return item;
}

function focusCard(place) {
  const pitch = cardHeight() + CARD.gap, top = Math.floor(place / columns) * pitch + grid.getBoundingClientRect().top;
  if (top < 0 || top + pitch > innerHeight) { scrollBy(0, top - innerHeight / 3); }
  showVisible();
  cards.get(place).querySelector(".card").focus({ preventScroll: true });
}

grid.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
  const item = event.target.closest(".item");
  if (!step || !item || event.ctrlKey || event.metaKey || event.altKey) { return; }
  event.preventDefault();
  focusCard(Math.min(Math.max(Number(item.dataset.place) + step, 0), shown.length - 1));
});

// Where the viewer was last, so that closing it does not lose the place.
function focusImage(id) {
  const place = shown.findIndex((image) => image.id === id);
  if (place >= 0) { focusCard(place); }
}

// Paper shows the first cards of the selection in the normal flow.
function setPrinting(on) {
  printing = on;
  byId("print-note").textContent = on && shown.length > CARD.printed ? `The first ${CARD.printed} of ${shown.length} images.` : "";
  showVisible();
}

let waiting = false;
function showSoon() {  // once a frame, however often the browser tells of scrolling
  if (waiting) { return; }
  waiting = true;
  requestAnimationFrame(() => { waiting = false; showVisible(); });
}

addEventListener("scroll", showSoon, { passive: true });
addEventListener("beforeprint", () => setPrinting(true));
addEventListener("afterprint", () => setPrinting(false));
matchMedia("print").addEventListener("change", (event) => setPrinting(event.matches));
