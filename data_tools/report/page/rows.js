// The long table: a search over its rows by name and meaning, and all of it on paper.
const fold = byId("table-fold"), findRow = byId("find-row");
const rows = Array.from(fold.querySelectorAll("tbody tr"));

function filterRows() {
  const words = findRow.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  let kept = 0;
  for (const row of rows) {
    const text = row.querySelector("th").textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
    kept += row.hidden ? 0 : 1;
  }
  // a table without a row left would be a bare head
  fold.querySelectorAll(".wide").forEach((table) => { table.hidden = !table.querySelector("tbody tr:not([hidden])"); });
  byId("row-count").textContent = words.length ? `${kept} of ${rows.length} rows` : "";
}

let wasOpen = false;
addEventListener("beforeprint", () => { wasOpen = fold.open; fold.open = true; });
addEventListener("afterprint", () => { fold.open = wasOpen; });
findRow.addEventListener("input", filterRows);
byId("find-row-line").hidden = false;
