"use strict";
// Search, filter and sort of the table of all tests. The page is whole without it.
(() => {
  const table = document.getElementById("all");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = Array.from(body.rows, (tr) => ({ tr, name: tr.cells[1].textContent.toLowerCase(), outcome: tr.dataset.o }));
  const query = document.getElementById("q");
  const outcome = document.getElementById("o");
  const shown = document.getElementById("n");
  document.querySelector(".tools").hidden = false;

  const filter = () => {
    const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    let n = 0;
    for (const row of rows) {
      const hit = (!outcome.value || row.outcome === outcome.value) && words.every((w) => row.name.includes(w));
      row.tr.hidden = !hit;
      if (hit) n++;
    }
    shown.textContent = n === rows.length ? "" : `${n} of ${rows.length} shown`;
  };
  let waiting = 0;
  query.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(filter, 80); });
  outcome.addEventListener("change", filter);
  document.querySelector(".tools").addEventListener("submit", (e) => e.preventDefault());
  document.addEventListener("keydown", (e) => {
    if (e.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName)) { e.preventDefault(); query.focus(); }
  });

  const heads = Array.from(table.tHead.rows[0].cells);
  heads.forEach((th, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = th.textContent;
    th.replaceChildren(button);
    button.addEventListener("click", () => {
      const numeric = th.dataset.sort === "number";
      const before = th.getAttribute("aria-sort");
      const down = before ? before === "ascending" : numeric;
      for (const other of heads) other.removeAttribute("aria-sort");
      th.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => (numeric ? Number(row.tr.cells[column].dataset.v) : row.tr.cells[column].textContent);
      const compare = numeric ? (a, b) => key(a) - key(b) : (a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0);
      rows.sort((a, b) => (down ? compare(b, a) : compare(a, b)));
      body.append(...rows.map((row) => row.tr));
    });
  });

  // A folded card that is linked to opens; everything opens for the printer.
  const openTarget = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    const fold = target && target.matches("article") && target.querySelector("details");
    if (fold) fold.open = true;
  };
  addEventListener("hashchange", openTarget);
  openTarget();
  addEventListener("beforeprint", () => { for (const d of document.querySelectorAll("article details")) d.open = true; });
})();
