"use strict";
(function () {
  const MOST_ROWS = 5;  // as many as are drawn
  const drop = document.getElementById("drop"), files = document.getElementById("files");
  const state = document.getElementById("state"), results = document.getElementById("results");
  let queue = Promise.resolve(), waiting = 0;

  function add(chosen) {
    for (const file of chosen) {
      waiting += 1;
      queue = queue.then(() => show(file)).then(() => { waiting -= 1; tell(); });
    }
    tell();
  }

  function tell() { state.textContent = waiting ? `${waiting} waiting` : "done"; }

  async function show(file) {
    const article = document.getElementById("result").content.cloneNode(true).firstElementChild;
    article.querySelector("h2").textContent = file.name;
    try {
      fill(article, await ask(file));
    } catch (error) {
      const line = article.querySelector(".decision");
      line.classList.add("refused");
      line.setAttribute("role", "alert");
      line.textContent = error.message;
    }
    results.prepend(article);
  }

  async function ask(file) {
    const form = new FormData();
    form.append("file", file);
    let response;
    try {
      response = await fetch("predict?overlay=png", { method: "POST", body: form });
    } catch (error) {
      throw new Error("the service does not answer");
    }
    let answer = null;
    try { answer = await response.json(); } catch (error) { /* a proxy's page, say */ }
    if (!response.ok || answer === null) {
      throw new Error(answer && answer.detail ? answer.detail : `refused with status ${response.status}`);
    }
    return answer;
  }

  function fill(article, answer) {
    const line = article.querySelector(".decision"), image = article.querySelector("img");
    const decision = answer.decision || `no decision: ${answer.decision_reason}`;
    line.textContent = `${decision}, score ${answer.score.toFixed(4)}, ${Math.round(answer.milliseconds)} ms`;
    if (answer.decision === "defect") { line.classList.add("defect"); }
    image.src = `data:image/png;base64,${answer.overlay_png}`;
    image.alt = answer.peak_xy
      ? `the image with its boxes; the peak lies at x ${answer.peak_xy[0].toFixed(0)}, y ${answer.peak_xy[1].toFixed(0)}`
      : "the image; no box was found";
    image.hidden = false;
    const table = article.querySelector("table"), body = table.querySelector("tbody");
    answer.boxes_xyxy.slice(0, MOST_ROWS).forEach((box, i) => {
      const row = body.insertRow();
      const values = [answer.box_scores[i].toFixed(3), answer.box_labels[i], ...box.map((value) => value.toFixed(1))];
      for (const value of values) { row.insertCell().textContent = value; }
    });
    table.hidden = !answer.boxes_xyxy.length;
  }

  files.addEventListener("change", () => { add([...files.files]); files.value = ""; });
  for (const name of ["dragenter", "dragover"]) {
    document.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
  }
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) { drop.classList.remove("over"); } });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    add([...event.dataTransfer.files]);
  });
})();
