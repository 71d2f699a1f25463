// The columns of data_tools/report/page_columns.py as images: what filters and orders need at once, the rest when it is drawn.
const KINDS = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, f4: Float32Array, f8: Float64Array };

function bytes(base64) {
  const text = atob(base64), made = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) { made[i] = text.charCodeAt(i); }
  return made;
}

// Some of the bytes alone, so that a picture's worth of them costs no more than that.
function bytesBetween(base64, start, end) {
  const first = Math.floor(start / 3);
  return bytes(base64.slice(4 * first, 4 * Math.ceil(end / 3))).subarray(start - 3 * first, end - 3 * first);
}

function numbersOf([kind, base64]) { return new KINDS[kind](bytes(base64).buffer); }

function repeatedOf(column) {
  const at = numbersOf(column.at);
  return (i) => column.of[at[i]];
}

// Where the entries of each image begin, and in the end where they all end.
function startsOf(counts) {
  const starts = new Uint32Array(counts.length + 1);
  counts.forEach((count, i) => { starts[i + 1] = starts[i] + count; });
  return starts;
}

// The boxes of an image, and what else is told of each.
function boxesOf(packed) {
  const starts = startsOf(numbersOf(packed.counts)), tenths = numbersOf(packed.values);
  return {
    at: (i) => Array.from({ length: (starts[i + 1] - starts[i]) / 4 }, (_, box) =>
      [0, 1, 2, 3].map((side) => tenths[starts[i] + 4 * box + side] / 10)),
    beside: (values, i) => (values === null ? [] : Array.from(values.subarray(starts[i] / 4, starts[i + 1] / 4))),
  };
}

function runsOf(packed, count) {
  const scores = numbersOf(packed.score), px = numbersOf(packed.px), peaks = numbersOf(packed.peak), boxes = boxesOf(packed.boxes);
  const boxScores = numbersOf(packed.scores), classes = packed.classes && numbersOf(packed.classes), grid = repeatedOf(packed.grid);
  const cells = startsOf(Array.from({ length: count }, (_, i) => (grid(i) ? grid(i)[0] * grid(i)[1] : 0)));
  class Run {
    constructor(place) { this.place = place; this.score = scores[place]; this.px = Number.isNaN(px[place]) ? null : px[place]; }
    get peak() {
      const [x, y] = peaks.subarray(2 * this.place, 2 * this.place + 2);
      return Number.isNaN(x) ? null : [Math.round(100 * x) / 100, Math.round(100 * y) / 100];
    }
    get boxes() { return boxes.at(this.place); }
    get scores() { return boxes.beside(boxScores, this.place); }
    get classes() { return boxes.beside(classes, this.place); }
    get map() {
      const size = grid(this.place);
      return size && { rows: size[0], columns: size[1], cells: () => bytesBetween(packed.cells, cells[this.place], cells[this.place + 1]) };
    }
  }
  return Array.from({ length: count }, (_, i) => new Run(i));
}

function imagesOf(packed, runs) {
  const ids = numbersOf(packed.id), names = packed.names.split("/"), boxes = boxesOf(packed.boxes);
  const [folder, size, status, type, group] = ["folder", "size", "status", "type", "group"].map((key) => repeatedOf(packed[key]));
  const classes = packed.classes && numbersOf(packed.classes), unpacked = runs.map((run) => runsOf(run, ids.length));
  class PageImage {
    constructor(place) {
      this.place = place;
      this.id = ids[place];
      this.file = (folder(place) ? folder(place) + "/" : "") + names[place];
      [this.w, this.h] = size(place);
      this.status = status(place);
      this.type = type(place);
      this.group = group(place);
      this.runs = unpacked.map((run) => run[place]);
    }
    get boxes() { return boxes.at(this.place); }
    get classes() { return boxes.beside(classes, this.place); }
    get jpeg() { return packed.jpegs && packed.jpegs[this.place]; }
  }
  return Array.from(ids, (_, i) => new PageImage(i));
}
